;; Does: sends NaN as a result
;; Expect: guest_broke_protocol
;; Says: not JSON
(data (i32.const 4096) "NaN")
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (call $send (i32.const 1) (i32.const 0) (i32.const 4096) (i32.const 3)))
    (i32.const 0))
