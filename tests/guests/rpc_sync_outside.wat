;; Does: makes a synchronous call from outside of its memory
;; Expect: guest_broke_protocol
;; Says: pointed outside of its memory
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (call $rpc_sync (i32.const 2048) (i32.const 4) (i32.const 0x7ffffff0) (i32.const 0x20)))
    (i32.const 0))
