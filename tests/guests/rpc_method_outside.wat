;; Does: names a method outside of its memory
;; Expect: guest_broke_protocol
;; Says: pointed outside of its memory
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (call $rpc (i32.const 1) (i32.const -4) (i32.const 8) (i32.const 0) (i32.const 0)))
    (i32.const 1))
