const a   
                                      = 1       ;
    	       ﻿　const last    = HERE;
