;; Does: makes a call with more parameters than a message may have
;; Expect: message_too_large
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (memory.grow (i32.const 32)))
    (drop (call $rpc (i32.const 1) (i32.const 2048) (i32.const 4) (i32.const 0) (i32.const 2000000)))
    (i32.const 1))
