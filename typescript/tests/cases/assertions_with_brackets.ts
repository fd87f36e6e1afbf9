function one() { return <number>
    1; }
function two() { throw <any>
    <unknown>
    2; }
if (one() !== 1) throw "one";
try { two(); throw "not reached"; } catch (error) { if (error !== 2) throw error; }
const three = <{ a: number }>{ a: 1 }, four = -<number>HERE;
