// crypto, in an instance that has a seed.
const text = new TextEncoder().encode("message");
const hex = buffer => new Uint8Array(buffer).toHex();
console.log(crypto.randomUUID(), crypto.getRandomValues(new Uint8Array(4)).toHex());
for (const name of ["SHA-1", "sha-256", { name: "SHA-384" }, "SHA-512"]) console.log(hex(await crypto.subtle.digest(name, text)));
const jwk = { kty: "oct", k: "c2VjcmV0", alg: "HS256" };
const key = await crypto.subtle.importKey("jwk", jwk, { name: "HMAC", hash: "SHA-256" }, true, ["sign", "verify"]);
const code = await crypto.subtle.sign("HMAC", key, text);
console.log(hex(code), await crypto.subtle.verify("HMAC", key, code, text), await crypto.subtle.verify("HMAC", key, code, new Uint8Array(1)));
console.log(JSON.stringify(await crypto.subtle.exportKey("jwk", key)), key.type, JSON.stringify(key.algorithm), key.usages.join());
const made = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-512" }, false, ["sign"]);
for (const wrong of [() => crypto.subtle.exportKey("raw", made), () => crypto.subtle.verify("HMAC", made, code, text), () => crypto.subtle.digest("MD5", text), () => crypto.subtle.importKey("raw", text, "AES-GCM", true, ["encrypt"]), () => crypto.subtle.digest("SHA-1", "text")]) {
    try { await wrong() } catch (error) { console.log(error.name, error.message) }
}
for (const wrong of [new Float64Array(1), new Uint8Array(65537)]) {
    try { crypto.getRandomValues(wrong) } catch (error) { console.log(error.name, error.message) }
}
