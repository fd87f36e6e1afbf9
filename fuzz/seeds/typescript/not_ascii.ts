interface Größe<T> { ö: T }
const größe: { länge: "ä"; 名前: "値"; emoji: "😀" } = { länge: "ä" } as any, Straße = größe as unknown as Größe<"ö">;
type 型 = "値" | "😀"; const 値: 型 = "値" as 型, after: "ééé" = "x" as any, last: 型 = HERE;
