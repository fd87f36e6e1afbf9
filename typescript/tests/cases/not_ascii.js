                           
const größe                                       = { länge: "ä" }       , Straße = größe                         ;
                     const 値    = "値"     , after        = "x"       , last    = HERE;
