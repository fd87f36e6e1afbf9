;; Does: gives a reason that is not UTF-8
;; Expect: not_serializable
(data (i32.const 4096) "\ff\ff")
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (call $send (i32.const 4) (i32.const 0) (i32.const 4096) (i32.const 2)))
    (i32.const 3))
