let a     , b      = {};
a = b = 1          ; (a       ) = 2; (     b) = { c: 1 }; [a, b .c] = [1, 2]; ({ c: a } = { c: 1 }       ); b = {}; a  = 3; (b              ).c = 1;
for (a of [1]       ) { } for (b .c in {}) { }
a += HERE          ;
