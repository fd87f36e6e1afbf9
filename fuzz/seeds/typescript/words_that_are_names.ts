var type = 1, satisfies = 3, declare = 4, namespace = 5, module = 6, abstract = 7, is = 8, infer = 9, keyof = 10;
var readonly = 1, unique = 2, asserts = 3, global = 4, override = 5, accessor = 6, get = 7, set = 8, of = 9, async = 10;
var any = 1, string = 2, number = 3, out = 4, from = 5, target = 6;
type
= 2;
declare
type += 1;
namespace
module
abstract
type: for (;;) break type;
function as(as: as) { return as as as; }
type type = number; type as = type; type of = as; interface type2 { type: type; as: as; readonly: 1; get: 2; set(): 3 }
const last: type = type as type + HERE;
