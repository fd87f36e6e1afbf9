;; Does: knows none of the operations that it is asked for
;; Expect: host_error
;; Says: the guest image is too old
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (i32.const 7))
