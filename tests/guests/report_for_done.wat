;; Does: says that it is done, and sends the report of a failure
;; Expect: js_error
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (call $send (i32.const 3) (i32.const 0) (i32.const 2080) (i32.const 2)))
    (i32.const 0))
