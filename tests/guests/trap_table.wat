;; Does: calls what lies outside of a table
;; Expect: guest_broke_protocol
;; Says: trapped
(type $other (func (result i32)))
(table 1 funcref)
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (call_indirect (type $other) (i32.const 99)))
