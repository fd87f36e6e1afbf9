;; Does: begins with more memory than it may have
;; Expect: limit_too_low
;; Says: memory limit
(module
    (import "belljar" "poll" (func $poll (result i32)))
    (memory (export "memory") 1000)
    (global (export "__stack_pointer") (mut i32) (i32.const 65536))
    (global (export "belljar_vitals") i32 (i32.const 1024))
    (global (export "belljar_abi") i32 (i32.const 1040))
    (func (export "call") (param i32 i32 i32 i32) (result i32) (i32.const 0))
    (data (i32.const 1040) "\01\00\00\00")
)
