                              
                             
function f(a     )      { return a; }
                                 
async function g() {}
export_();
                        
function export_() {}
class A {
                           
                          
    constructor(a     ) {}
                       
                      
    m(a     ) {}
                     
    static s() {}
                                                 
    async *[Symbol.iterator]() {}
}
const last    = new A(HERE);
