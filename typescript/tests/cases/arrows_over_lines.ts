const a = (x: number)
    : {
        y: number
    } => ({ y: x });
const b = (x: number, // the first
): Array<
    number
> => [x];
const c = <
    T,
    U,
>(x: T, y: U) => [x, y];
const d = async <
    T
>(x: T) => x;
function e() {
    return <
        T
    >(x: T) => x;
}
if (typeof e()(1) !== "number" || a(1).y !== 1 || b(2)[0] !== 2) throw 1;
const f: number = HERE;
