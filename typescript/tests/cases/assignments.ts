let a: any, b: any = {};
a = b = 1 as number; (a as any) = 2; (<any>b) = { c: 1 }; [a, b!.c] = [1, 2]; ({ c: a } = { c: 1 } as any); b = {}; a! = 3; (b satisfies any).c = 1;
for (a of [1] as any) { } for (b!.c in {}) { }
a += HERE as number;
