// `Headers`.
(function (kit) {
    'use strict';
    const { define, excerpt, headerName, headerValue, isByteString, isObject, iterable, need, pairs } = kit;
    const { push, string } = kit;
    const { apply } = Reflect;
    const { sort } = Array.prototype;
    const { TypeError } = globalThis;

    const name = (value) => {
        const name = headerName(value);
        if (name === undefined) {
            throw new TypeError('"' + excerpt(value) + '" is not the name of a header');
        }
        return name;
    };
    const value = (value) => {
        const normal = headerValue(value);
        if (normal === undefined) {
            throw new TypeError('"' + excerpt(value) + '" is not the value of a header');
        }
        return normal;
    };

    let listOf, read, fill, lock;

    class Headers {
        // A name in lower case before each value.
        #list = [];
        #isLocked = false;
        // The pairs in the order of iteration, until something changes.
        #sorted = undefined;

        static {
            listOf = (headers) => headers.#list;
            lock = (headers) => {
                headers.#isLocked = true;
            };
            fill = (headers, init) => {
                if (!isObject(init)) {
                    throw new TypeError('the headers are no Headers, no sequence of pairs and no record');
                }
                const list = pairs(init, checkText, checkText);
                for (let i = 0; i < list.length; i += 2) {
                    const key = name(list[i]);
                    push(headers.#list, key, value(list[i + 1]));
                }
                headers.#sorted = undefined;
            };
            read = (headers, index) => {
                headers.#sorted ??= combine(headers.#list);
                const pair = index < headers.#sorted.length ? headers.#sorted[index] : undefined;
                return pair === undefined ? undefined : [pair[0], pair[1]];
            };
            kit.headerOf = (headers, key) => find(headers.#list, key);
            kit.setHeader = (headers, key, text) => {
                push(headers.#list, key, text);
                headers.#sorted = undefined;
            };
        }

        constructor(init = undefined) {
            if (init !== undefined) {
                fill(this, init);
            }
        }

        append(key, text) {
            const list = this.#list;
            need(arguments.length, 2, 'Headers.append');
            key = checkText(key);
            text = checkText(text);
            key = name(key);
            text = value(text);
            this.#change();
            push(list, key, text);
        }

        delete(key) {
            const list = this.#list;
            need(arguments.length, 1, 'Headers.delete');
            key = name(checkText(key));
            this.#change();
            remove(list, key, 0);
        }

        get(key) {
            const list = this.#list;
            need(arguments.length, 1, 'Headers.get');
            return find(list, name(checkText(key)));
        }

        getSetCookie() {
            const list = this.#list;
            const values = [];
            for (let i = 0; i < list.length; i += 2) {
                if (list[i] === 'set-cookie') {
                    push(values, list[i + 1]);
                }
            }
            return values;
        }

        has(key) {
            const list = this.#list;
            need(arguments.length, 1, 'Headers.has');
            return find(list, name(checkText(key))) !== null;
        }

        set(key, text) {
            const list = this.#list;
            need(arguments.length, 2, 'Headers.set');
            key = checkText(key);
            text = checkText(text);
            key = name(key);
            text = value(text);
            this.#change();
            for (let i = 0; i < list.length; i += 2) {
                if (list[i] === key) {
                    list[i + 1] = text;
                    remove(list, key, i + 2);
                    return;
                }
            }
            push(list, key, text);
        }

        #change() {
            if (this.#isLocked) {
                throw new TypeError('these headers cannot be changed');
            }
            this.#sorted = undefined;
        }
    }

    // A `ByteString`: each character stands for a byte.
    const checkText = (text) => {
        text = string(text);
        if (!isByteString(text)) {
            throw new TypeError('"' + excerpt(text) + '" has a character above U+00FF');
        }
        return text;
    };

    const remove = (list, key, from) => {
        let kept = from;
        for (let i = from; i < list.length; i += 2) {
            if (list[i] !== key) {
                list[kept++] = list[i];
                list[kept++] = list[i + 1];
            }
        }
        list.length = kept;
    };

    // All values of a name as one, or null.
    const find = (list, key) => {
        let found = null;
        for (let i = 0; i < list.length; i += 2) {
            if (list[i] === key) {
                found = found === null ? list[i + 1] : '' + found + ', ' + (list[i + 1]);
            }
        }
        return found;
    };

    const byName = (one, other) => one[0] < other[0] ? -1 : one[0] > other[0] ? 1 : 0;
    // The values of a name are one pair, but for cookies, which commas do not separate.
    const combine = (list) => {
        const all = [];
        for (let i = 0; i < list.length; i += 2) {
            push(all, [list[i], list[i + 1]]);
        }
        apply(sort, all, [byName]);
        const combined = [];
        for (let i = 0; i < all.length; i++) {
            const last = combined.length > 0 ? combined[combined.length - 1] : undefined;
            if (last !== undefined && last[0] === all[i][0] && last[0] !== 'set-cookie') {
                last[1] = '' + last[1] + ', ' + all[i][1];
            } else {
                push(combined, all[i]);
            }
        }
        return combined;
    };

    kit.makeHeaders = (from) => {
        const headers = new Headers();
        if (from !== undefined) {
            const list = listOf(from);
            for (let i = 0; i < list.length; i++) {
                push(listOf(headers), list[i]);
            }
        }
        return headers;
    };
    kit.fillHeaders = fill;
    kit.lockHeaders = lock;
    kit.checkByteString = checkText;
    iterable(Headers, 'Headers', read);
    define(Headers);
})
