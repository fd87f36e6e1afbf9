;; Does: says that the script threw, and has sent no report
;; Expect: guest_broke_protocol
;; Says: contradict
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (i32.const 2))
