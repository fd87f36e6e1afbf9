class A {
           a         = 1;         b         ;                    c = 3; d       ;          e        = 1
    static f         = 1;         static          g         = "g"; #h         = 1; static #i ;       
           constructor() { }         j()       { }           async k()                { }        *l()            { }
           get m()         { return 1 }         set m(value) { }        static async *n() { }          toString()         { return "" }
                                                                                                                         
    "t"         = 1; 12         = ""; [`u`]         = 2; public = 1; readonly; static; declare   ; abstract    ; override = 3; get; set;
    async          = true;         private = 1; static static         = 2;          readonly ;  
    x = HERE
}
new A();
