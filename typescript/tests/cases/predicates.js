function isText(x         )              { return typeof x === "string" }
function check(x         )                      { }
function holds(x         )            { }
const is = (is     )               => true, asserts = (asserts     )                  => { }, plain = (asserts)          => 1;
class A { is()            { return true } check()                    { } holds()               { } }
const last = isText(HERE);
