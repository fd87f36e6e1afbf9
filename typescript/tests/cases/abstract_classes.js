         class A    {
                                           
                      
                                    
                                                           
                                  
    g() { return this.c }
                               
}
const C = class { }
         class D extends A         { }
var abstract         = HERE;
