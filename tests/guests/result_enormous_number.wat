;; Does: sends a number that no machine holds, which is JSON
;; Expect: ok
(data (i32.const 4096) "1e999999999")
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (call $send (i32.const 1) (i32.const 0) (i32.const 4096) (i32.const 11)))
    (i32.const 0))
