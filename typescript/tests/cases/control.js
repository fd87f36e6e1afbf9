for (let i         = 0, j = 1          ; i < 1; i++) { } for (const [a, b] of new Map                ()) { } for (const k in {}          ) { }
for (var x = ("a" in {})           ; !1;) { }
switch (1          ) { case 1          : { break } case (2):             break; default: let z         }
try { throw 1        } catch (error         ) { } finally { } try { } catch { }
outer: while (true           ) { do { break outer } while (false           ) }
if (1       ) { } else if (2       ) { } else { }
const a = HERE       ;
