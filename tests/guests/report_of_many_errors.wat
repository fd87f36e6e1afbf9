;; Does: sends a report with as many errors of its own as fit, each of two bytes
;; Expect: js_error
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (local $at i32)
    (i64.store (i32.const 8192) (i64.load (i32.const 3000)))
    (i32.store (i32.const 8200) (i32.load (i32.const 3008)))
    (local.set $at (i32.const 8203))
    (loop $again
        (i32.store (local.get $at) (i32.const 0x2c7d7b))
        (local.set $at (i32.add (local.get $at) (i32.const 3)))
        (br_if $again (i32.lt_u (local.get $at) (i32.const 200000))))
    (i32.store (local.get $at) (i32.const 0x7d5d7d7b))
    (drop (call $send (i32.const 3) (i32.const 0) (i32.const 8192)
        (i32.sub (i32.add (local.get $at) (i32.const 4)) (i32.const 8192))))
    (i32.const 2))
(data (i32.const 3000) "{\22errors\22:[")
