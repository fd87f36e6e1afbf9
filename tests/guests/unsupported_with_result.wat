;; Does: says that it does not know the operation, and sends a result of it
;; Expect: guest_broke_protocol
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (call $send (i32.const 1) (i32.const 0) (i32.const 2064) (i32.const 1)))
    (i32.const 7))
