// `crypto`: random bytes, digests, and HMAC.
(function (kit) {
    'use strict';
    const { areEqual, copyBytes, define, digest, excerpt, fillRandom, hmac, isObject, need, push } = kit;
    const { randomBytes, randomUuid, sequence, sizeOf, string, toBuffer } = kit;
    const { DOMException, TypeError, Uint8Array } = globalThis;
    const { apply } = Reflect;
    const { fromBase64 } = Uint8Array;
    const { toBase64 } = Uint8Array.prototype;
    const { toUpperCase } = String.prototype;

    const key = { __proto__: null };
    const wrong = (message, name) => {
        throw new DOMException(message, name);
    };
    const bytesOf = (value, name) => {
        const bytes = copyBytes(value);
        if (bytes === undefined) {
            throw new TypeError('' + name + ' is not a buffer or a view of one');
        }
        return bytes;
    };

    // The places are those of `src/web/crypto.rs`.
    const HASHES = ['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512'];
    const BLOCK_BYTES = [64, 64, 128, 128];
    const JWK_NAMES = ['HS1', 'HS256', 'HS384', 'HS512'];

    // The name of an algorithm in capitals, and the algorithm if it is an object.
    const algorithm = (value) => {
        if (!isObject(value)) {
            return { name: apply(toUpperCase, string(value), []), value: { __proto__: null } };
        }
        const { name } = value;
        if (name === undefined) {
            throw new TypeError('the algorithm has no name');
        }
        return { name: apply(toUpperCase, string(name), []), value };
    };
    const hashOf = (value) => {
        const { name } = algorithm(value);
        for (let i = 0; i < HASHES.length; i++) {
            if (HASHES[i] === name) {
                return i;
            }
        }
        return wrong('there is no hash ' + excerpt(name), 'NotSupportedError');
    };
    const hmacParameters = (value) => {
        const found = algorithm(value);
        if (found.name !== 'HMAC') {
            wrong('the algorithm ' + excerpt(found.name) + ' is not supported', 'NotSupportedError');
        }
        return found.value;
    };
    const lengthOf = (value) => {
        const { length } = value;
        if (length === undefined) {
            return undefined;
        }
        const number = +length;
        if (!(number >= 0 && number <= 0xffffffff)) {
            throw new TypeError('' + number + ' is not the length of a key');
        }
        return number - number % 1;
    };
    const requireHash = (value) => {
        const { hash } = value;
        if (hash === undefined) {
            throw new TypeError('the algorithm has no hash');
        }
        return hashOf(hash);
    };

    const USAGES = ['encrypt', 'decrypt', 'sign', 'verify', 'deriveKey', 'deriveBits', 'wrapKey', 'unwrapKey'];
    const usage = (value) => {
        value = string(value);
        for (let i = 0; i < USAGES.length; i++) {
            if (USAGES[i] === value) {
                return value;
            }
        }
        throw new TypeError('there is no usage ' + excerpt(value));
    };
    const has = (list, value) => {
        for (let i = 0; i < list.length; i++) {
            if (list[i] === value) {
                return true;
            }
        }
        return false;
    };
    // The usages of a key of HMAC, each once and in the order of the standard.
    const checkUsages = (list) => {
        const usages = [];
        for (let i = 0; i < USAGES.length; i++) {
            if (has(list, USAGES[i])) {
                if (USAGES[i] !== 'sign' && USAGES[i] !== 'verify') {
                    wrong('a key of HMAC has no usage ' + USAGES[i], 'SyntaxError');
                }
                push(usages, USAGES[i]);
            }
        }
        return usages;
    };

    let makeKey, isKey, secretOf;

    class CryptoKey {
        #secret;
        #hash;
        #bits;
        #extractable;
        #usages;
        // What scripts get is made once, so that it stays the same.
        #algorithm = undefined;
        #shownUsages = undefined;

        static {
            makeKey = (secret, hash, bits, extractable, usages) => {
                const made = new CryptoKey(key);
                made.#secret = secret;
                made.#hash = hash;
                made.#bits = bits;
                made.#extractable = extractable;
                made.#usages = usages;
                return made;
            };
            isKey = (value) => isObject(value) && #secret in value;
            secretOf = (from) => ({
                secret: from.#secret, hash: from.#hash, bits: from.#bits, extractable: from.#extractable,
                usages: from.#usages,
            });
        }

        constructor(given = undefined) {
            if (given !== key) {
                throw new TypeError('CryptoKey has no constructor; use crypto.subtle.importKey or generateKey');
            }
        }

        get type() {
            this.#secret;
            return 'secret';
        }

        get extractable() {
            return this.#extractable;
        }

        get algorithm() {
            this.#algorithm ??= { hash: { name: HASHES[this.#hash] }, length: this.#bits, name: 'HMAC' };
            return this.#algorithm;
        }

        get usages() {
            if (this.#shownUsages === undefined) {
                const usages = this.#usages;
                this.#shownUsages = [];
                for (let i = 0; i < usages.length; i++) {
                    push(this.#shownUsages, usages[i]);
                }
            }
            return this.#shownUsages;
        }
    }

    const requireKey = (value, purpose) => {
        if (!isKey(value)) {
            throw new TypeError('the key is no CryptoKey');
        }
        const found = secretOf(value);
        if (purpose !== undefined && !has(found.usages, purpose)) {
            wrong('the key has no usage ' + purpose, 'InvalidAccessError');
        }
        return found;
    };

    const FORMATS = ['raw', 'spki', 'pkcs8', 'jwk'];
    const format = (value) => {
        value = string(value);
        if (!has(FORMATS, value)) {
            throw new TypeError('there is no format ' + excerpt(value));
        }
        return value;
    };

    const text = (value) => value === undefined ? undefined : string(value);
    // The secret of a JSON Web Key, whose members are converted in the order of their names.
    const secretOfJwk = (value, hash, extractable, usages) => {
        const alg = text(value.alg);
        const ext = value.ext === undefined ? undefined : !!value.ext;
        const k = text(value.k);
        const ops = value.key_ops === undefined ? undefined : sequence(value.key_ops, text);
        const kty = text(value.kty);
        const use = text(value.use);
        let secret;
        try {
            secret = k === undefined ? undefined :
                apply(fromBase64, Uint8Array, [k, { __proto__: null, alphabet: 'base64url' }]);
        } catch {
        }
        if (kty !== 'oct' || secret === undefined) {
            wrong('the key is no JSON Web Key of the type oct', 'DataError');
        }
        if (alg !== undefined && alg !== JWK_NAMES[hash]) {
            wrong('the key is one for ' + excerpt(alg), 'DataError');
        }
        if (usages.length > 0 && use !== undefined && use !== 'sig') {
            wrong('the key is one for the use ' + excerpt(use), 'DataError');
        }
        if (ops !== undefined) {
            for (let i = 0; i < ops.length; i++) {
                for (let k = 0; k < i; k++) {
                    if (ops[k] === ops[i]) {
                        wrong('the key_ops of the key are not different', 'DataError');
                    }
                }
            }
            for (let i = 0; i < usages.length; i++) {
                if (!has(ops, usages[i])) {
                    wrong('the key_ops of the key lack ' + usages[i], 'DataError');
                }
            }
        }
        if (ext === false && extractable) {
            wrong('the key cannot be extractable', 'DataError');
        }
        return secret;
    };

    class SubtleCrypto {
        #isSubtle = true;

        constructor(given = undefined) {
            if (given !== key) {
                throw new TypeError('SubtleCrypto has no constructor; use crypto.subtle');
            }
        }

        async digest(name, data) {
            this.#isSubtle;
            need(arguments.length, 2, 'SubtleCrypto.digest');
            const bytes = bytesOf(data, 'the data');
            return toBuffer(digest(hashOf(name), bytes));
        }

        async generateKey(name, extractable, keyUsages) {
            this.#isSubtle;
            need(arguments.length, 3, 'SubtleCrypto.generateKey');
            const list = sequence(keyUsages, usage);
            const parameters = hmacParameters(name);
            const hash = requireHash(parameters);
            const bits = lengthOf(parameters) ?? BLOCK_BYTES[hash] * 8;
            const usages = checkUsages(list);
            if (bits === 0) {
                wrong('a key has at least one bit', 'OperationError');
            }
            if (usages.length === 0) {
                wrong('the key has no usage', 'SyntaxError');
            }
            const secret = shorten(randomBytes((bits + 7 - (bits + 7) % 8) / 8), bits);
            return makeKey(secret, hash, bits, !!extractable, usages);
        }

        async importKey(name, keyData, from, extractable, keyUsages) {
            this.#isSubtle;
            need(arguments.length, 5, 'SubtleCrypto.importKey');
            name = format(name);
            let bytes = copyBytes(keyData);
            if (name === 'jwk' ? bytes !== undefined || !isObject(keyData) : bytes === undefined) {
                throw new TypeError('the key is not what the format ' + name + ' has');
            }
            const list = sequence(keyUsages, usage);
            const parameters = hmacParameters(from);
            const hash = requireHash(parameters);
            const given = lengthOf(parameters);
            const usages = checkUsages(list);
            if (name === 'jwk') {
                bytes = secretOfJwk(keyData, hash, !!extractable, usages);
            } else if (name !== 'raw') {
                wrong('a key of HMAC has no format ' + name, 'NotSupportedError');
            }
            const most = sizeOf(bytes) * 8;
            if (most === 0) {
                wrong('the key has no bits', 'DataError');
            }
            if (given !== undefined && (given > most || given <= most - 8)) {
                wrong('the key has ' + most + ' bits, and not ' + given, 'DataError');
            }
            if (usages.length === 0) {
                wrong('the key has no usage', 'SyntaxError');
            }
            const bits = given ?? most;
            return makeKey(shorten(bytes, bits), hash, bits, !!extractable, usages);
        }

        async exportKey(name, from) {
            this.#isSubtle;
            need(arguments.length, 2, 'SubtleCrypto.exportKey');
            name = format(name);
            const { secret, hash, extractable, usages } = requireKey(from, undefined);
            if (!extractable) {
                wrong('the key cannot be exported', 'InvalidAccessError');
            }
            if (name === 'raw') {
                return toBuffer(secret);
            }
            if (name !== 'jwk') {
                wrong('a key of HMAC has no format ' + name, 'NotSupportedError');
            }
            const k = apply(toBase64, secret, [{ __proto__: null, alphabet: 'base64url', omitPadding: true }]);
            const key_ops = [];
            for (let i = 0; i < usages.length; i++) {
                push(key_ops, usages[i]);
            }
            return { alg: JWK_NAMES[hash], ext: true, k, key_ops, kty: 'oct' };
        }

        async sign(name, from, data) {
            this.#isSubtle;
            need(arguments.length, 3, 'SubtleCrypto.sign');
            const message = bytesOf(data, 'the data');
            hmacParameters(name);
            const { secret, hash } = requireKey(from, 'sign');
            return toBuffer(hmac(hash, secret, message));
        }

        async verify(name, from, signature, data) {
            this.#isSubtle;
            need(arguments.length, 4, 'SubtleCrypto.verify');
            const code = bytesOf(signature, 'the signature');
            const message = bytesOf(data, 'the data');
            hmacParameters(name);
            const { secret, hash } = requireKey(from, 'verify');
            return areEqual(code, hmac(hash, secret, message));
        }
    }

    // Clears what a key of so many bits has beyond them.
    const shorten = (bytes, bits) => {
        const rest = bits % 8;
        if (rest !== 0) {
            const last = (bits - rest) / 8;
            bytes[last] &= 0xff << (8 - rest) & 0xff;
        }
        return bytes;
    };

    const subtle = new SubtleCrypto(key);

    class Crypto {
        #isCrypto = true;

        constructor(given = undefined) {
            if (given !== key) {
                throw new TypeError('Crypto has no constructor; use crypto');
            }
        }

        get subtle() {
            this.#isCrypto;
            return subtle;
        }

        getRandomValues(array) {
            this.#isCrypto;
            need(arguments.length, 1, 'Crypto.getRandomValues');
            const isFilled = fillRandom(array);
            if (isFilled === undefined) {
                if (copyBytes(array) === undefined) {
                    throw new TypeError('Crypto.getRandomValues takes a typed array');
                }
                wrong('the array does not hold integers', 'TypeMismatchError');
            }
            if (!isFilled) {
                wrong('one call fills at most 65536 bytes', 'QuotaExceededError');
            }
            return array;
        }

        randomUUID() {
            this.#isCrypto;
            return randomUuid();
        }
    }

    define(CryptoKey);
    define(SubtleCrypto);
    define(Crypto);
    Reflect.defineProperty(globalThis, 'crypto',
        { value: new Crypto(key), writable: true, enumerable: true, configurable: true });
})
