;; Does: sends a result with half of a surrogate pair in it, as bytes
;; Expect: guest_broke_protocol
;; Says: not UTF-8
(data (i32.const 4096) "\22\ed\a0\80\22")
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (call $send (i32.const 1) (i32.const 0) (i32.const 4096) (i32.const 5)))
    (i32.const 0))
