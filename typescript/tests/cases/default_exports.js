                                   
                                          
export default function f(a     )       { }
