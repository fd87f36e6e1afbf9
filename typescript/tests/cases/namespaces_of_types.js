                                                 
                                                                            
            
              
const last      = HERE;
