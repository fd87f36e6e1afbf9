;; Does: calls `poll` when it is instantiated
;; Expect: host_error
(func $act (param i32 i32 i32 i32) (result i32) (i32.const 0))
(func $begin (drop (call $poll)))
(start $begin)
