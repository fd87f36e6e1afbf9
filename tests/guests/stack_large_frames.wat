;; Does: calls itself with many numbers in flight
;; Expect: stack_overflow | cpu_limit_exceeded
(func $wide (param i64 i64 i64 i64 i64 i64) (result i32)
    (i32.add (call $wide (local.get 5) (local.get 4) (local.get 3) (local.get 2) (local.get 1) (local.get 0)) (i32.wrap_i64 (local.get 3))))
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (i32.add (call $wide (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6)) (i32.const 1)))
