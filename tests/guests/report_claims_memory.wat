;; Does: sends a report that blames memory: the one word of the guest that counts, and it can only make its own error a limit
;; Expect: memory_limit_exceeded
(data (i32.const 4096) "{\22native\22:\22memory\22}")
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (call $send (i32.const 3) (i32.const 0) (i32.const 4096) (i32.const 19)))
    (i32.const 2))
