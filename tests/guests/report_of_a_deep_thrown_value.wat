;; Does: sends a report of a thrown value nested a hundred thousand levels deep
;; Expect: js_error | guest_broke_protocol
(data (i32.const 4096) "{\22thrown\22:")
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (memory.grow (i32.const 16)))
    (memory.copy (i32.const 8192) (i32.const 4096) (i32.const 10))
    (memory.fill (i32.const 8202) (i32.const 0x5b) (i32.const 100000))
    (memory.fill (i32.const 108202) (i32.const 0x5d) (i32.const 100000))
    (i32.store8 (i32.const 208202) (i32.const 0x7d))
    (drop (call $send (i32.const 3) (i32.const 0) (i32.const 8192) (i32.const 200011)))
    (i32.const 2))
