;; Does: sends a report whose fields have the wrong types
;; Expect: guest_broke_protocol
;; Says: not a report
(data (i32.const 4096) "{\22name\22:[1]}")
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (call $send (i32.const 3) (i32.const 0) (i32.const 4096) (i32.const 12)))
    (i32.const 2))
