;; Does: calls a method whose name is not UTF-8, and makes one call for every answer
;; Expect: rpc_limit_exceeded
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (call $rpc (i32.const 1) (i32.const 2096) (i32.const 4) (i32.const 2096) (i32.const 4)))
    (i32.const 1))
