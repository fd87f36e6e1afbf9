class A                         { }
class E    extends A                      { }
const F = class    extends A    { }, G = class H                    { }
class I extends (A       )         { }
class J extends (A                   ) { }
class K { constructor(a        , b         ) { } method   (         a   )            { return true } get x()         { return 1 } set x(value        ) { } static { const y         = 1 } }
class implements_ { static async *gen   ()                    { } static async a()                { } "quoted"()       { } 12()       { } [`c`]()       { } #p()       { } }
new K("a", HERE);
