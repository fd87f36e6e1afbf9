const a = `x${1 as number}y${`z${<any>2}`}${((b: number): number => b)(3)}` as string, c = a as `${string}${number}`;
const d = String.raw<string>`x${a!}`, e = `${HERE as any}`;
