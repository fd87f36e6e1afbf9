;; A guest that does what its script says: the source that it is given to evaluate, two letters of hexadecimal for each byte.
;; A byte names an import, those behind it are its arguments; the last one is the status that it returns. When the script is over it
;; begins again, so that every call has something to do; a call does 64 things at most.
(module
    (import "belljar" "ask" (func $ask (param i32) (result i64)))
    (import "belljar" "poll" (func $poll (result i32)))
    (import "belljar" "send" (func $send (param i32 i32 i32 i32) (result i32)))
    (import "belljar" "rpc" (func $rpc (param i32 i32 i32 i32 i32) (result i32)))
    (import "belljar" "rpc_sync" (func $rpc_sync (param i32 i32 i32 i32) (result i64)))
    (import "belljar" "take" (func $take (param i32 i32)))
    (memory (export "memory") 4)
    (global (export "__stack_pointer") (mut i32) (i32.const 65536))
    (global (export "belljar_vitals") i32 (i32.const 1024))
    (global (export "belljar_abi") i32 (i32.const 1040))
    (data (i32.const 1040) "\01\00\00\00")
    (data (i32.const 2048) "echonever")
    (data (i32.const 2080) "{\22a\22:[1,2,\22x\22]}")
    (data (i32.const 2112) "{\22name\22:\22E\22,\22message\22:\22m\22,\22native\22:\22memory\22}")
    ;; At 3000: where the script begins, where it ends, and where it is read next.
    (func $nibble (param $letter i32) (result i32)
        (i32.and (select
            (i32.sub (local.get $letter) (i32.const 48))
            (i32.sub (local.get $letter) (i32.const 87))
            (i32.lt_u (local.get $letter) (i32.const 58))) (i32.const 15)))
    (func $byte (result i32)
        (local $at i32)
        (if (i32.ge_u (i32.add (i32.load (i32.const 3008)) (i32.const 1)) (i32.load (i32.const 3004)))
            (then (i32.store (i32.const 3008) (i32.load (i32.const 3000)))))
        (local.set $at (i32.load (i32.const 3008)))
        (i32.store (i32.const 3008) (i32.add (local.get $at) (i32.const 2)))
        (i32.or
            (i32.shl (call $nibble (i32.load8_u (local.get $at))) (i32.const 4))
            (call $nibble (i32.load8_u offset=1 (local.get $at)))))
    ;; Any order of magnitude and both signs, from two bytes.
    (func $number (result i32)
        (i32.rotl (call $byte) (call $byte)))
    (func (export "call") (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
        (local $left i32) (local $what i32) (local $announced i32)
        (local.set $left (i32.const 64))
        (local.set $announced (local.get $length))
        (if (i32.eq (local.get $op) (i32.const 1)) (then
            (call $take (i32.const 65536) (local.get $length))
            (local.set $announced (i32.const 0))
            (i32.store (i32.const 3000) (i32.add (i32.const 65537) (local.get $split)))
            (i32.store (i32.const 3004) (i32.add (i32.const 65536) (local.get $length)))
            (i32.store (i32.const 3008) (i32.load (i32.const 3000)))))
        (loop $again
            (local.set $left (i32.sub (local.get $left) (i32.const 1)))
            (local.set $what (i32.and (call $byte) (i32.const 15)))
            (if (i32.eq (local.get $what) (i32.const 0)) (then (drop (call $ask (call $byte)))))
            (if (i32.eq (local.get $what) (i32.const 1)) (then (drop (call $poll))))
            (if (i32.eq (local.get $what) (i32.const 2)) (then
                (drop (call $send (call $byte) (call $byte) (call $number) (call $number)))))
            (if (i32.eq (local.get $what) (i32.const 3)) (then
                (drop (call $rpc (call $byte) (call $number) (call $number) (call $number) (call $number)))))
            (if (i32.eq (local.get $what) (i32.const 4)) (then
                (local.set $announced (i32.wrap_i64 (call $rpc_sync (call $number) (call $number) (call $number) (call $number))))))
            (if (i32.eq (local.get $what) (i32.const 5)) (then (call $take (call $number) (call $number))))
            (if (i32.eq (local.get $what) (i32.const 6)) (then
                (call $take (i32.const 131072) (local.get $announced))
                (local.set $announced (i32.const 0))))
            ;; What is likely to be understood: calls of methods that exist, with parameters that are JSON.
            (if (i32.eq (local.get $what) (i32.const 7)) (then
                (drop (call $rpc (call $byte) (i32.const 2048) (i32.const 4) (i32.const 2080) (i32.const 15)))))
            (if (i32.eq (local.get $what) (i32.const 8)) (then
                (drop (call $rpc (call $byte) (i32.const 2052) (i32.const 5) (i32.const 2080) (i32.const 15)))))
            (if (i32.eq (local.get $what) (i32.const 9)) (then
                (local.set $announced (i32.wrap_i64
                    (call $rpc_sync (i32.const 2048) (i32.const 4) (i32.const 2080) (i32.const 15))))))
            (if (i32.eq (local.get $what) (i32.const 10)) (then
                (drop (call $send (i32.const 1) (i32.const 0) (i32.const 2080) (i32.const 15)))))
            (if (i32.eq (local.get $what) (i32.const 11)) (then
                (drop (call $send (call $byte) (i32.const 1) (i32.const 2112) (i32.const 43)))))
            (if (i32.eq (local.get $what) (i32.const 12)) (then (drop (memory.grow (call $byte)))))
            (if (i32.eq (local.get $what) (i32.const 13)) (then
                (memory.copy (i32.const 2080) (i32.load (i32.const 3008)) (i32.const 15))))
            (if (i32.eq (local.get $what) (i32.const 14)) (then (return (call $byte))))
            (br_if $again (local.get $left)))
        (i32.and (call $byte) (i32.const 7))))
