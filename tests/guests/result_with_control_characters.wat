;; Does: sends a text with a line break in it that is not escaped
;; Expect: guest_broke_protocol
;; Says: not JSON
(data (i32.const 4096) "\22a\0ab\22")
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (call $send (i32.const 1) (i32.const 0) (i32.const 4096) (i32.const 5)))
    (i32.const 0))
