;; Does: pulls the reply of a synchronous call twice
;; Expect: guest_broke_protocol
;; Says: not announced
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (local $reply i32)
    (local.set $reply (i32.wrap_i64 (call $rpc_sync (i32.const 2048) (i32.const 4) (i32.const 2064) (i32.const 1))))
    (call $take (i32.const 0) (local.get $reply))
    (call $take (i32.const 0) (local.get $reply))
    (i32.const 0))
