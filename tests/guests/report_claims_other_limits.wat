;; Does: sends a report that blames a limit that reports cannot blame
;; Expect: guest_broke_protocol
;; Says: not a report
(data (i32.const 4096) "{\22native\22:\22cpu_time\22}")
(func $act (param $op i32) (param $flags i32) (param $split i32) (param $length i32) (result i32)
    (drop (call $send (i32.const 3) (i32.const 0) (i32.const 4096) (i32.const 21)))
    (i32.const 2))
