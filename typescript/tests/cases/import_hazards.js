const a = b
;                     
 [1].map(String)
const d = b
;                
(d)
const e = b
import {        } from "d"
(e)
