;; Does: asks for the time and for seeds without end
;; Expect: cpu_limit_exceeded
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (loop $again (drop (call $ask (i32.const 1))) (drop (call $ask (i32.const 2))) (drop (call $ask (i32.const 3))) (br $again))
    (i32.const 0))
