;; Does: reads outside of its memory
;; Expect: guest_broke_protocol
;; Says: trapped
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (i32.load (i32.const -4)))
