;; Does: makes a synchronous call when it is instantiated
;; Expect: host_error
(func $act (param i32 i32 i32 i32) (result i32) (i32.const 0))
(func $begin (drop (call $rpc_sync (i32.const 2048) (i32.const 4) (i32.const 2064) (i32.const 1))))
(start $begin)
