;; Does: makes calls while it is told to let go of one
;; Expect: never_settled
(func (export "call") (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (if (i32.eq (local.get $op) (i32.const 7)) (then
        (drop (call $rpc (i32.const 1) (i32.const 2048) (i32.const 4) (i32.const 2064) (i32.const 1)))
        (drop (call $send (i32.const 5) (i32.const 1) (i32.const 2064) (i32.const 1)))
        (drop (call $rpc_sync (i32.const 2048) (i32.const 4) (i32.const 2064) (i32.const 1)))))
    (i32.const 1))
