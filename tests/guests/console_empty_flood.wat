;; Does: prints empty lines without end
;; Expect: console_limit_exceeded
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (loop $again (drop (call $send (i32.const 5) (i32.const 1) (i32.const 0) (i32.const 0))) (br $again))
    (i32.const 0))
