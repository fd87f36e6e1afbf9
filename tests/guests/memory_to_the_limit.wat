;; Does: takes all the memory that it may have, touches it, and gives up
;; Expect: memory_limit_exceeded
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (local $at i32)
    (loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    (loop $touch
        (i32.store (local.get $at) (i32.const 1))
        (local.set $at (i32.add (local.get $at) (i32.const 4096)))
        (br_if $touch (i32.lt_u (local.get $at) (i32.mul (memory.size) (i32.const 65536)))))
    (unreachable))
