;; Does: loops when it is instantiated
;; Expect: host_error
(func $act (param i32 i32 i32 i32) (result i32) (i32.const 0))
(func $begin (loop $again (br $again)))
(start $begin)
