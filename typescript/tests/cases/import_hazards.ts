const a = b
import type C from "c"
;[1].map(String)
const d = b
export type { C }
(d)
const e = b
import { type D } from "d"
(e)
