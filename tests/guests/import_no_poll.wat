;; Does: imports no `poll`, so nothing could stop it
;; Expect: invalid_input
(module
    (memory (export "memory") 4)
    (global (export "__stack_pointer") (mut i32) (i32.const 65536))
    (global (export "belljar_vitals") i32 (i32.const 1024))
    (global (export "belljar_abi") i32 (i32.const 1040))
    (func (export "call") (param i32 i32 i32 i32) (result i32) (i32.const 0))
    (data (i32.const 1040) "\01\00\00\00")
)
