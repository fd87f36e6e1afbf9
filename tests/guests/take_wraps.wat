;; Does: pulls its message to a place that wraps around
;; Expect: guest_broke_protocol
;; Says: pointed outside of its memory
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (call $take (i32.const -1) (local.get $length))
    (i32.const 0))
