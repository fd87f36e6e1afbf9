;; Does: reports rejections of a megabyte each, without end
;; Expect: cpu_limit_exceeded
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (memory.grow (i32.const 16)))
    (memory.fill (i32.const 3000) (i32.const 0x20) (i32.const 1000000))
    (i32.store8 (i32.const 3000) (i32.const 0x7b))
    (i32.store8 (i32.const 1002999) (i32.const 0x7d))
    (loop $again (drop (call $send (i32.const 6) (i32.const 0) (i32.const 3000) (i32.const 1000000))) (br $again))
    (i32.const 0))
