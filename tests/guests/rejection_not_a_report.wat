;; Does: reports a rejection that is no report
;; Expect: guest_broke_protocol
;; Says: rejection is not a report
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (call $send (i32.const 6) (i32.const 0) (i32.const 2064) (i32.const 1)))
    (drop (call $send (i32.const 1) (i32.const 0) (i32.const 2064) (i32.const 1)))
    (i32.const 0))
