const a = { b: 1 } satisfies Record<string, number>;
const c = [1, 2] as const satisfies readonly number[];
const d = ({} satisfies object) as any, e = a satisfies any ? 1 : 2;
const f = HERE satisfies number;
