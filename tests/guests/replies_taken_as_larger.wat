;; Does: pulls a reply as if it were a megabyte
;; Expect: guest_broke_protocol
;; Says: not announced
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (call $rpc_sync (i32.const 2048) (i32.const 4) (i32.const 2064) (i32.const 1)))
    (call $take (i32.const 0) (i32.const 100000))
    (i32.const 0))
