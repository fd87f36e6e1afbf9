const a = () => "a", b: any = (x: any) => x
type T = 1
(b)
let d = a
interface I { }
(b)
let e = a as any
(b)
let g: any
(b)
let h = a satisfies any
[b]
const i = [1]
declare const j: number
(b)
let k = 1
import_()
function import_(): void
function import_() { }
type U = 2; (b)
let l = b as any
`x`
let m = 1 as any
+ 1
if (typeof d !== "function" || typeof e !== "function" || g !== undefined || h !== a || i[0] !== 1 || k !== 1 || l !== b || m !== 2) throw "wrong"
HERE;
