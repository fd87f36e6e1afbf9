;; Does: pulls messages of no bytes, which it may, without end
;; Expect: cpu_limit_exceeded
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (call $take (i32.const 0) (local.get $length))
    (loop $again (call $take (i32.const 0) (i32.const 0)) (br $again))
    (i32.const 0))
