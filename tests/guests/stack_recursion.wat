;; Does: calls itself without end
;; Expect: stack_overflow | cpu_limit_exceeded
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (call $act (local.get $op) (local.get $flags) (local.get $split) (local.get $length)))
