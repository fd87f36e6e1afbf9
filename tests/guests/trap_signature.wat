;; Does: calls a function through a table under another type
;; Expect: guest_broke_protocol
;; Says: trapped
(type $other (func (result i32)))
(table 1 funcref) (elem (i32.const 0) $nothing)
(func $nothing)
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (call_indirect (type $other) (i32.const 0)))
