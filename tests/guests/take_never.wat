;; Does: never looks at its message
;; Expect: guest_broke_protocol
;; Says: contradict
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (i32.const 0))
