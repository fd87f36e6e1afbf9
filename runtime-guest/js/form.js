// `FormData`, and the two forms in which it is sent.
(function (kit) {
    'use strict';
    const { bytesOf, define, escapeName, gather, isBlob, isFile, isObject, iterable, makeFile, nameOf, need } = kit;
    const { newlines, parseParts, parseQuery, push, randomName, sliceBytes, timeOf, toPlainText, typeOf } = kit;
    const { wellFormed } = kit;
    const { TypeError } = globalThis;

    let isForm, listOf, read;

    class FormData {
        // A name before each value.
        #list = [];

        static {
            isForm = (value) => isObject(value) && #list in value;
            listOf = (form) => form.#list;
            read = (form, index) => {
                const list = form.#list;
                return 2 * index < list.length ? [list[2 * index], list[2 * index + 1]] : undefined;
            };
        }

        constructor(form = undefined) {
            if (form !== undefined) {
                throw new TypeError('FormData takes no form, because there is no document');
            }
        }

        append(name, value, filename = undefined) {
            const list = this.#list;
            need(arguments.length, 2, 'FormData.append');
            name = wellFormed(name);
            push(list, name, entry(value, filename, arguments.length, 'FormData.append'));
        }

        delete(name) {
            const list = this.#list;
            need(arguments.length, 1, 'FormData.delete');
            name = wellFormed(name);
            let kept = 0;
            for (let i = 0; i < list.length; i += 2) {
                if (list[i] !== name) {
                    list[kept++] = list[i];
                    list[kept++] = list[i + 1];
                }
            }
            list.length = kept;
        }

        get(name) {
            const list = this.#list;
            need(arguments.length, 1, 'FormData.get');
            name = wellFormed(name);
            for (let i = 0; i < list.length; i += 2) {
                if (list[i] === name) {
                    return list[i + 1];
                }
            }
            return null;
        }

        getAll(name) {
            const list = this.#list;
            need(arguments.length, 1, 'FormData.getAll');
            name = wellFormed(name);
            const values = [];
            for (let i = 0; i < list.length; i += 2) {
                if (list[i] === name) {
                    push(values, list[i + 1]);
                }
            }
            return values;
        }

        has(name) {
            const list = this.#list;
            need(arguments.length, 1, 'FormData.has');
            name = wellFormed(name);
            for (let i = 0; i < list.length; i += 2) {
                if (list[i] === name) {
                    return true;
                }
            }
            return false;
        }

        set(name, value, filename = undefined) {
            const list = this.#list;
            need(arguments.length, 2, 'FormData.set');
            name = wellFormed(name);
            value = entry(value, filename, arguments.length, 'FormData.set');
            let kept = 0, isThere = false;
            for (let i = 0; i < list.length; i += 2) {
                const isSame = list[i] === name;
                if (!isSame || !isThere) {
                    list[kept] = list[i];
                    list[kept + 1] = isSame ? value : list[i + 1];
                    kept += 2;
                }
                isThere ||= isSame;
            }
            list.length = kept;
            if (!isThere) {
                push(list, name, value);
            }
        }
    }

    const entry = (value, filename, given, method) => {
        if (!isBlob(value)) {
            if (given > 2) {
                throw new TypeError('' + method + ' takes the name of a file with a Blob only');
            }
            return wellFormed(value);
        }
        if (filename === undefined && isFile(value)) {
            return value;
        }
        const name = filename !== undefined ? wellFormed(filename) : isFile(value) ? nameOf(value) : 'blob';
        return makeFile(bytesOf(value), name, typeOf(value), isFile(value) ? timeOf(value) : undefined);
    };

    // The bytes of a form in parts, and their media type.
    kit.writeForm = (form) => {
        const list = listOf(form);
        const boundary = '----belljar' + randomName();
        const parts = [];
        for (let i = 0; i < list.length; i += 2) {
            const value = list[i + 1];
            const name = escapeName(newlines(list[i], '\r\n'));
            push(parts, '--' + boundary + '\r\nContent-Disposition: form-data; name="' + name + '"');
            if (typeof value === 'string') {
                push(parts, '\r\n\r\n' + newlines(value, '\r\n') + '\r\n');
            } else {
                push(parts, '; filename="' + escapeName(nameOf(value)) + '"\r\nContent-Type: ' +
                    '' + (typeOf(value) || 'application/octet-stream') + '\r\n\r\n', bytesOf(value), '\r\n');
            }
        }
        push(parts, '--' + boundary + '--\r\n');
        return { bytes: gather(parts), type: 'multipart/form-data; boundary=' + boundary };
    };
    const ofList = (list) => {
        const form = new FormData();
        for (let i = 0; i < list.length; i++) {
            push(listOf(form), list[i]);
        }
        return form;
    };
    kit.formOfQuery = (bytes) => ofList(parseQuery(toPlainText(bytes)));
    // Undefined if the bytes are no form in parts.
    kit.formOfParts = (bytes, boundary) => {
        const parts = parseParts(bytes, boundary);
        if (parts === undefined) {
            return undefined;
        }
        const list = [];
        for (let i = 0; i < parts.length; i += 5) {
            const content = sliceBytes(bytes, parts[i + 3], parts[i + 4]);
            push(list, parts[i], parts[i + 1] === undefined
                ? toPlainText(content)
                : makeFile(content, parts[i + 1], parts[i + 2] ?? 'text/plain'));
        }
        return ofList(list);
    };

    kit.isForm = isForm;
    iterable(FormData, 'FormData', read);
    define(FormData);
})
