// What requests and responses have in common: a body, which is read once. There are no streams, so a body is its bytes.
(function (kit) {
    'use strict';
    const { bytesOf, copyBytes, formOfParts, formOfQuery, gather, headerOf, isBlob, isForm, isParams, makeBlob } = kit;
    const { mediaType, textOfParams, toBuffer, toText, typeOf, wellFormed, writeForm } = kit;
    const { JSON, TypeError } = globalThis;
    const { parse } = JSON;

    // The bytes of what a script gives as a body, and the media type that goes with it.
    kit.extract = (value) => {
        if (isBlob(value)) {
            return { bytes: bytesOf(value), type: typeOf(value) || null };
        }
        if (isParams(value)) {
            return { bytes: gather([textOfParams(value)]), type: 'application/x-www-form-urlencoded;charset=UTF-8' };
        }
        if (isForm(value)) {
            return writeForm(value);
        }
        const bytes = copyBytes(value);
        if (bytes !== undefined) {
            return { bytes, type: null };
        }
        return { bytes: gather([wellFormed(value)]), type: 'text/plain;charset=UTF-8' };
    };

    const typeOfMessage = (headers) => {
        const value = headerOf(headers, 'content-type');
        return value === null ? undefined : mediaType(value);
    };

    const readers = {
        arrayBuffer: (bytes) => toBuffer(bytes),
        blob: (bytes, headers) => makeBlob(bytes, typeOfMessage(headers)?.[1] ?? ''),
        bytes: (bytes) => copyBytes(bytes),
        formData: (bytes, headers) => {
            const type = typeOfMessage(headers);
            if (type?.[0] === 'application/x-www-form-urlencoded') {
                return formOfQuery(bytes);
            }
            const form = type?.[0] === 'multipart/form-data' && type[2] !== undefined
                ? formOfParts(bytes, type[2]) : undefined;
            if (form === undefined) {
                throw new TypeError('the body is no form');
            }
            return form;
        },
        json: (bytes) => parse(toText(bytes)),
        text: (bytes) => toText(bytes),
    };
    const nothing = gather([]);

    // Adds the methods to a class. `take` gives the body, which it marks as read, and the headers.
    kit.readable = (Class, take) => {
        for (const name of Object.keys(readers)) {
            const read = readers[name];
            const method = {
                async [name]() {
                    const { body, headers } = take(this);
                    return read(body ?? nothing, headers);
                },
            };
            Reflect.defineProperty(Class.prototype, name, { value: method[name], writable: true, configurable: true });
        }
    };
})
