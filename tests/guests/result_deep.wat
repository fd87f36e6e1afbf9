;; Does: sends a result nested a quarter of a million levels deep, which is JSON and must harm nobody
;; Expect: ok
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (memory.grow (i32.const 16)))
    (memory.fill (i32.const 4096) (i32.const 0x5b) (i32.const 250000))
    (memory.fill (i32.const 254096) (i32.const 0x5d) (i32.const 250000))
    (drop (call $send (i32.const 1) (i32.const 0) (i32.const 4096) (i32.const 500000)))
    (i32.const 0))
