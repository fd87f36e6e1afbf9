;; Does: says in an evaluation that there is no such event
;; Expect: guest_broke_protocol
;; Says: where there was none
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (i32.const 5))
