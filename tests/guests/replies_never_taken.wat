;; Does: makes synchronous calls and never pulls a reply
;; Expect: rpc_limit_exceeded
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (loop $again (drop (call $rpc_sync (i32.const 2048) (i32.const 4) (i32.const 2064) (i32.const 1))) (br $again))
    (i32.const 0))
