;; Does: sends a result that is not UTF-8
;; Expect: guest_broke_protocol
;; Says: not UTF-8
(data (i32.const 4096) "\22\ff\fe\22")
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (call $send (i32.const 1) (i32.const 0) (i32.const 4096) (i32.const 4)))
    (i32.const 0))
