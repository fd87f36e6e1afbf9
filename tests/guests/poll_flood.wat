;; Does: asks whether to go on, and never listens
;; Expect: cpu_limit_exceeded
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (loop $again (drop (call $poll)) (br $again))
    (i32.const 0))
