;; Does: has parameters that are no JSON, and sends the length of the refusal as its status
;; Expect: guest_broke_protocol
;; Says: contradict
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (i32.wrap_i64 (call $rpc_sync (i32.const 2048) (i32.const 4) (i32.const 2096) (i32.const 4))))
