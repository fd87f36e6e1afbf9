;; Does: pulls its message to a place outside of its memory
;; Expect: guest_broke_protocol
;; Says: pointed outside of its memory
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (call $take (i32.const 262143) (local.get $length))
    (i32.const 0))
