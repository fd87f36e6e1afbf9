;; Does: pulls its message twice
;; Expect: guest_broke_protocol
;; Says: not announced
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (call $take (i32.const 0) (local.get $length))
    (call $take (i32.const 0) (local.get $length))
    (i32.const 0))
