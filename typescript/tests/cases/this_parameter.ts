function only(this: Date) { return 1; }
function first(this: Date, a: number, b: string) { return arguments.length; }
function spread(
    this: { a: string },
    ...rest: string[]
) { return rest.length; }
first.call(null as any, 1, "b") + only.call(null!) + HERE;
