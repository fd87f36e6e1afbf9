;; Does: sends bytecode when it was to evaluate
;; Expect: guest_broke_protocol
;; Says: bytecode for a value
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (call $send (i32.const 7) (i32.const 0) (i32.const 0) (i32.const 100)))
    (i32.const 0))
