;; Does: asks for the whole address space at once, and again and again
;; Expect: cpu_limit_exceeded
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (loop $again (drop (memory.grow (i32.const 65535))) (br $again))
    (i32.const 0))
