;; Does: goes on sending results after it was told to stop
;; Expect: message_too_large
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (memory.grow (i32.const 32)))
    (drop (call $send (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 2000000)))
    (drop (call $send (i32.const 1) (i32.const 0) (i32.const 2064) (i32.const 1)))
    (drop (call $send (i32.const 1) (i32.const 0) (i32.const 2064) (i32.const 1)))
    (i32.const 0))
