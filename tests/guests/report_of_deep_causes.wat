;; Does: sends a report of a chain of causes twenty thousand long
;; Expect: guest_broke_protocol
;; Says: not a report
(data (i32.const 4096) "{\22cause\22:")
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (local $at i32)
    (drop (memory.grow (i32.const 16)))
    (local.set $at (i32.const 8192))
    (loop $again
        (memory.copy (local.get $at) (i32.const 4096) (i32.const 9))
        (local.set $at (i32.add (local.get $at) (i32.const 9)))
        (br_if $again (i32.lt_u (local.get $at) (i32.const 188192))))
    (drop (call $send (i32.const 3) (i32.const 0) (i32.const 8192) (i32.const 180000)))
    (i32.const 2))
