;; Does: makes calls without end, and does not stop when told to
;; Expect: rpc_limit_exceeded
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (local $id i32)
    (loop $again (local.set $id (i32.add (local.get $id) (i32.const 1))) (drop (call $rpc (local.get $id) (i32.const 2052) (i32.const 5) (i32.const 0) (i32.const 1))) (br $again))
    (i32.const 0))
