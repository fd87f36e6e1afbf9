// `Blob` and `File`. Their bytes are an array that no script gets.
(function (kit) {
    'use strict';
    const { blobType, copyBytes, define, dictionary, gather, isObject, need, newlines, sequence } = kit;
    const { sizeOf, sliceBytes, string, toBuffer, toText, wellFormed } = kit;
    const { Date, Infinity, Math, TypeError } = globalThis;
    const { floor } = Math;
    const { now } = Date;

    // Stands for the parts of a file that is made here, so that no iterator of a script is asked for them.
    const key = { __proto__: null };
    let given;
    let bytesOf, isBlob, make, timeOf;

    const part = (value) => isBlob(value) ? bytesOf(value) : copyBytes(value) ?? wellFormed(value);

    class Blob {
        #bytes;
        #size;
        #type;

        static {
            bytesOf = (blob) => blob.#bytes;
            kit.typeOf = (blob) => blob.#type;
            isBlob = (value) => isObject(value) && #bytes in value;
            make = (bytes, type) => {
                const blob = new Blob();
                blob.#bytes = bytes;
                blob.#size = sizeOf(bytes);
                blob.#type = type;
                return blob;
            };
        }

        constructor(blobParts = undefined, options = undefined) {
            const parts = blobParts === key ? [given] : blobParts === undefined ? [] : sequence(blobParts, part);
            options = dictionary(options);
            let endings = options?.endings;
            endings = endings === undefined ? 'transparent' : string(endings);
            if (endings !== 'transparent' && endings !== 'native') {
                throw new TypeError('the option endings is neither "transparent" nor "native"');
            }
            const type = options?.type;
            if (endings === 'native') {
                for (let i = 0; i < parts.length; i++) {
                    if (typeof parts[i] === 'string') {
                        parts[i] = newlines(parts[i], '\n');
                    }
                }
            }
            this.#type = type === undefined ? '' : blobType(type);
            this.#bytes = gather(parts);
            this.#size = sizeOf(this.#bytes);
        }

        get size() {
            return this.#size;
        }

        get type() {
            return this.#type;
        }

        slice(start = undefined, end = undefined, contentType = undefined) {
            const size = this.#size;
            const from = start === undefined ? 0 : place(start, size);
            const to = end === undefined ? size : place(end, size);
            const type = contentType === undefined ? '' : blobType(contentType);
            return make(sliceBytes(this.#bytes, from, to > from ? to : from), type);
        }

        async text() {
            return toText(this.#bytes);
        }

        async arrayBuffer() {
            return toBuffer(this.#bytes);
        }

        async bytes() {
            return copyBytes(this.#bytes);
        }
    }

    // A `[Clamp] long long`, counted from the end where it is negative.
    const place = (value, size) => {
        value = +value;
        if (value !== value) {
            return 0;
        }
        // Half of the way between two integers goes to the even one.
        let whole = floor(value);
        const rest = value - whole;
        if (rest > 0.5 || rest === 0.5 && whole % 2 !== 0) {
            whole++;
        }
        if (whole < 0) {
            return size + whole > 0 ? size + whole : 0;
        }
        return whole < size ? whole : size;
    };

    class File extends Blob {
        #name;
        #lastModified;

        static {
            kit.isFile = (value) => isObject(value) && #name in value;
            kit.nameOf = (file) => file.#name;
            timeOf = (file) => file.#lastModified;
        }

        constructor(fileBits, fileName, options = undefined) {
            need(arguments.length, 2, 'File');
            if (!isObject(fileBits)) {
                throw new TypeError('the parts of a file are not iterable');
            }
            super(fileBits, options);
            this.#name = wellFormed(fileName);
            const time = dictionary(options)?.lastModified;
            this.#lastModified = time === undefined ? now() : long(time);
        }

        get name() {
            return this.#name;
        }

        get lastModified() {
            return this.#lastModified;
        }
    }

    // A `long long`.
    const long = (value) => {
        value = +value;
        if (value !== value || value === Infinity || value === -Infinity) {
            return 0;
        }
        return value < 0 ? -floor(-value) || 0 : floor(value);
    };

    kit.isBlob = isBlob;
    kit.bytesOf = bytesOf;
    kit.makeBlob = make;
    kit.makeFile = (bytes, name, type, lastModified) => {
        given = bytes;
        return new File(key, name, { __proto__: null, type, lastModified });
    };
    kit.timeOf = timeOf;
    define(Blob);
    define(File);
})
