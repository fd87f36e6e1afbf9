                         
                                                      
                              const last    = HERE;
