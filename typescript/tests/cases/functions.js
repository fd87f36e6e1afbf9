function add(a        , b         , ...rest          )         { return a + (b ?? 0) + rest.length; }
async function later   (value   )             { return value; }
function* each                  (list     )                              { yield* list; }
const named = function inner         (              { a, b: [c] = [1] }                        )       {};
function crashes(a         = 1, b        )        { return HERE; }
crashes(1, "");
