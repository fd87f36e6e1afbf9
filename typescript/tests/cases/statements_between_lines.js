const a = () => "a", b      = (x     ) => x
;         
(b)
let d = a
;              
(b)
let e = a ;     
(b)
let g;    
(b)
let h = a ;            
[b]
const i = [1]
;                      
(b)
let k = 1
import_()
;                       
function import_() { }
            (b)
let l = b ;     
`x`
let m = 1       
+ 1
if (typeof d !== "function" || typeof e !== "function" || g !== undefined || h !== a || i[0] !== 1 || k !== 1 || l !== b || m !== 2) throw "wrong"
HERE;
