;; Does: answers every answer with another call
;; Expect: rpc_limit_exceeded
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (call $rpc (i32.const 1) (i32.const 2048) (i32.const 4) (i32.const 2064) (i32.const 1)))
    (i32.const 1))
