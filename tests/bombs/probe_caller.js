// Attacks: the stack of natives, through `caller`, `arguments` and call sites.
// Expect: ok
let leaked = [];
Error.prepareStackTrace = (error, sites) => sites.map(site => [site.getFunction?.(), site.getThis?.()]);
const look = function look() { try { leaked.push(look.caller); } catch {} try { leaked.push(arguments.callee.caller); } catch {} return 1; };
host.rpcSync('echo', { toJSON: look });
const sites = new Error().stack;
leaked.every(value => value === null || value === undefined) && (typeof sites === 'string' || sites.flat().every(value => typeof value !== 'function' || ['<eval>', 'look'].includes(value.name)));
