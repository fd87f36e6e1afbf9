;; Does: fills its memory over and over
;; Expect: cpu_limit_exceeded
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (memory.grow (i32.const 400)))
    (loop $again (memory.fill (i32.const 0) (i32.const 0xa5) (i32.const 26000000)) (br $again))
    (i32.const 0))
