const a = (x         
       
                 
    ) => ({ y: x });
const b = (x        , // the first
         
          
) => [x];
const c = (
      
      
  x   , y   ) => [x, y];
const d = async (
     
  x   ) => x;
function e() {
    return (
         
      x   ) => x;
}
if (typeof e()(1) !== "number" || a(1).y !== 1 || b(2)[0] !== 2) throw 1;
const f         = HERE;
