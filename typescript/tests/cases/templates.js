const a = `x${1          }y${`z${     2}`}${((b        )         => b)(3)}`          , c = a                        ;
const d = String.raw        `x${a }`, e = `${HERE       }`;
