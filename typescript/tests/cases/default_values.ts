export default { a: 1 } as const satisfies object
type A = 1
