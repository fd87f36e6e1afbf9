;; Does: sends a million opening brackets
;; Expect: guest_broke_protocol
;; Says: not JSON
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (memory.grow (i32.const 16)))
    (memory.fill (i32.const 4096) (i32.const 0x5b) (i32.const 1000000))
    (drop (call $send (i32.const 1) (i32.const 0) (i32.const 4096) (i32.const 1000000)))
    (i32.const 0))
