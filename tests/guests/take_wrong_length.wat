;; Does: pulls one byte more than was announced
;; Expect: guest_broke_protocol
;; Says: not announced
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (call $take (i32.const 0) (i32.add (local.get $length) (i32.const 1)))
    (i32.const 0))
