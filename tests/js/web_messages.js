// Headers, bodies, forms and blobs.
const headers = new Headers({ b: "2", A: " 1 " });
headers.append("set-cookie", "a=b"); headers.append("set-cookie", "c=d"); headers.append("a", "3");
console.log(JSON.stringify([...headers]), headers.get("A"), headers.getSetCookie().join("|"));
for (const wrong of [() => headers.set("a b", ""), () => headers.set("a", "\n!\n"), () => headers.set("ü", "ł"), () => new Headers([["a"]])]) {
    try { wrong() } catch (error) { console.log(error.name, error.message) }
}
const form = new FormData();
form.append("text", "a\nb"); form.append("file", new File(["é", new Uint8Array([65, 66])], "ü\".txt", { type: "Text/Plain" }));
const response = new Response(form);
const copy = await response.clone().formData();
console.log(copy.get("file").name, copy.get("file").size, copy.get("file").type, JSON.stringify(copy.get("text")), await copy.get("file").text());
console.log(response.headers.get("content-type").replace(/[0-9a-f]{32}/, "…"), response.bodyUsed, response.ok, "body" in response);
const request = new Request("https://a.example/b#c", { method: "post", body: new URLSearchParams({ a: "b c" }), headers: { x: "1" } });
console.log(request.method, request.url, [...request.headers].join(";"), await request.text(), request.bodyUsed);
try { await request.text() } catch (error) { console.log(error.name, error.message) }
console.log(await Response.json({ a: [1] }).json(), Response.redirect("https://a.example").status, Response.error().type);
console.log(await new Blob(["abcdef"]).slice(1, -1).text(), new Blob([], { type: "\u0000" }).type === "", atob("aGk="), btoa("hi"));
try { atob("a") } catch (error) { console.log(error.name, error.code) }
