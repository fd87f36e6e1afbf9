;; Does: makes two calls under one id
;; Expect: guest_broke_protocol
;; Says: one id
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (call $rpc (i32.const 7) (i32.const 2052) (i32.const 5) (i32.const 0) (i32.const 0)))
    (drop (call $rpc (i32.const 7) (i32.const 2052) (i32.const 5) (i32.const 0) (i32.const 0)))
    (i32.const 1))
