function isText(x: unknown): x is string { return typeof x === "string" }
function check(x: unknown): asserts x is string { }
function holds(x: unknown): asserts x { }
const is = (is: any): is is string => true, asserts = (asserts: any): asserts asserts => { }, plain = (asserts): asserts => 1;
class A { is(): this is A { return true } check(): asserts this is A { } holds(): asserts this { } }
const last = isText(HERE);
