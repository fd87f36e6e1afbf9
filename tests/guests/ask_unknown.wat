;; Does: asks for numbers that there are not, and returns no status that there is
;; Expect: guest_broke_protocol
;; Says: contradict
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (call $ask (i32.const 0))) (drop (call $ask (i32.const -1)))
    (i32.wrap_i64 (i64.add (call $ask (i32.const 4)) (i64.const 55))))
