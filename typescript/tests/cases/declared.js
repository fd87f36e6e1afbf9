                                   
             
                  
                                    
                                   
                                                                                                                                                  
                                               
                                           
                          
                                                                                                                 
                                                                                             
                   
                    
                                                          
                                           
                                   
const last         = HERE;
