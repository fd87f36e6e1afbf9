;; Does: sends a result when it is instantiated
;; Expect: host_error
(func $act (param i32 i32 i32 i32) (result i32) (i32.const 0))
(func $begin (drop (call $send (i32.const 1) (i32.const 0) (i32.const 2064) (i32.const 1))))
(start $begin)
