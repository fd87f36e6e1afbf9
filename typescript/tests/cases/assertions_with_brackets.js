function one() { return 0,      
    1; }
function two() { throw 0,   
             
    2; }
if (one() !== 1) throw "one";
try { two(); throw "not reached"; } catch (error) { if (error !== 2) throw error; }
const three =                { a: 1 }, four = -        HERE;
