;; Does: refuses a message that would have fitted
;; Expect: memory_limit_exceeded
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (i32.const 6))
