;; Does: pulls a message when it is instantiated
;; Expect: host_error
(func $act (param i32 i32 i32 i32) (result i32) (i32.const 0))
(func $begin (call $take (i32.const 0) (i32.const 0)))
(start $begin)
