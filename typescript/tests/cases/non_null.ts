const a = { b: { c: () => ({ d: [1] }) } } as any;
const e = a!.b!.c!()!.d![0]!, f = a!?.b?.c!()?.d![0]!;
let g = 1; g! += 1; g!++; a!.b! = { c: 1 }; delete a!.b!;
const h = a! as any, i = !a!, j = a!!, k = a! == a!, l = a! !== a!, m = [a!, ...a!.list ?? []];
if (e !== f || g !== 3) throw g;
const n = a!.x ?? HERE!;
