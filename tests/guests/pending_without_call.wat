;; Does: waits for an answer and has made no call
;; Expect: never_settled
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (i32.const 1))
