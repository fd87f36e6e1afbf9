const one = (a        )         => a, two = async (a         , ...b       )                => {};
const three =     (a   ) => a, four = async               (a   )             => a;
const five = ({ a, b = 2 }                           , [c, d]                   = [1, 2])         => a + b + c + d;
const six = (a                                    )                        => () => {};
const seven = ()                => ({ a: 1 }), eight = (a)              => true, nine = a => b => (c        ) => HERE;
nine(1)(2)(3);
