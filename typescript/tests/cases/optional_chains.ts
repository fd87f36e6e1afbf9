const a: any = { b: null, f: (x: any) => x };
a?.b?.c!.d?.[0]!.e; a.f?.<number>(1); a?.f<string>("x"); a.f!<number>(1); a?.["b"]!;
const c = a ?.5:1, d: number = a?.f!(HERE);
