;; Does: sends its whole memory as a result
;; Expect: message_too_large
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (memory.grow (i32.const 64)))
    (drop (call $send (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 4000000)))
    (i32.const 0))
