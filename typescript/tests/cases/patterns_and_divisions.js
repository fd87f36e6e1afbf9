let a = 4           / 2, b = (a       ) / 2 / 1, c = /[/]x/g.test("x")           , d = a  / 2 / 1, e = [/a/          , /b/];
const f = () => { }
/x/g.test("x")
const g = x => /y/       , h = typeof /z/
const j = (1          ) / HERE;
