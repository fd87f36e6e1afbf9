;; Does: makes a call, waits for ever, and loops when it is told to let go of it
;; Expect: never_settled
(func (export "call") (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (if (i32.eq (local.get $op) (i32.const 7)) (then (loop $again (br $again))))
    (i32.const 1))
