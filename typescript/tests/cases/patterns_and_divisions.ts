let a = 4 as number / 2, b = (a as any) / 2 / 1, c = /[/]x/g.test("x") as boolean, d = a! / 2 / 1, e = [/a/ as RegExp, /b/];
const f = () => { }
/x/g.test("x")
const g = x => /y/ as any, h = typeof /z/
const j = (1 as number) / HERE;
