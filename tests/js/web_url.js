// URL and URLSearchParams, where a script sees more than the web platform tests look at.
const url = new URL("../c?x=1#y", "https://user:pass@EXAMPLE.com:8080/a/b");
console.log(url.href, url.origin, url.searchParams.get("x"), JSON.stringify({ url }));
url.searchParams.append("ü", "a b");
url.search = "?z=1";
console.log(url.href, [...url.searchParams].join());
for (const broken of ["x", "https://", "https://a b/", "https://[::1", "http://1.2.3.256/"]) {
    try { new URL(broken) } catch (error) { console.log(error.name, error.message) }
}
console.log(new URL("https://münchen.example/straße").href, new URL("http://0x7f.1").host, URL.canParse("nothing"));
const descriptor = Object.getOwnPropertyDescriptor(URL.prototype, "href");
console.log(typeof descriptor.get, descriptor.get.name, descriptor.enumerable, URL.length, URL.parse.length);
console.log(Object.prototype.toString.call(url), URLSearchParams.prototype[Symbol.iterator] === URLSearchParams.prototype.entries);
for (const wrong of [() => URL("a"), () => descriptor.get.call({}), () => new URLSearchParams([["a"]]), () => url.searchParams.append("a")]) {
    try { wrong() } catch (error) { console.log(error.name, error.message) }
}
class Mine extends URL { get shout() { return this.host.toUpperCase() } }
console.log(new Mine("https://a.example").shout, new Mine("https://a.example") instanceof URL);
