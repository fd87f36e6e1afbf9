;; Does: sends what the console would show where JSON was asked for
;; Expect: guest_broke_protocol
;; Says: nobody looks at
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (call $send (i32.const 1) (i32.const 2) (i32.const 2064) (i32.const 1)))
    (i32.const 0))
