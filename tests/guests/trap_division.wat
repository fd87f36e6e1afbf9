;; Does: divides by zero
;; Expect: guest_broke_protocol
;; Says: trapped
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (i32.div_s (i32.const 1) (i32.const 0)))
