                        
                                                                                                                                            
                    
                                                                                           
                                                                                                              
                                                                             
                                                                                                 
                                                                       
                                                                                                      
                                                                                                  
                                                                                                
                                     
                                                                                                                                                     
                                                                                                             
                                                                   
                                const last    = HERE;
