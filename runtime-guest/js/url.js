// `URL` and `URLSearchParams`. A URL is its text; `src/web/url` reads and changes it.
(function (kit) {
    'use strict';
    const { define, excerpt, isObject, iterable, need, pairs, parseQuery, parseUrl, push, replacePart, takePart } = kit;
    const { wellFormed, writeQuery } = kit;
    const { apply } = Reflect;
    const { sort } = Array.prototype;
    const { TypeError } = globalThis;

    // The numbers of the parts are those of `src/web/url`.
    const ORIGIN = 0, PROTOCOL = 1, USERNAME = 2, PASSWORD = 3, HOST = 4, HOSTNAME = 5, PORT = 6, PATHNAME = 7,
        SEARCH = 8, HASH = 9;

    let paramsOf, renew, setSearch, read;

    class URLSearchParams {
        // A name before each value.
        #list;
        // The URL whose query these are.
        #url = undefined;

        static {
            paramsOf = (url, query) => {
                const params = new URLSearchParams();
                params.#url = url;
                params.#list = parseQuery(query);
                return params;
            };
            renew = (params, query) => {
                params.#list = parseQuery(query);
            };
            read = (params, index) => {
                const list = params.#list;
                return 2 * index < list.length ? [list[2 * index], list[2 * index + 1]] : undefined;
            };
            kit.isParams = (value) => isObject(value) && #list in value;
            kit.textOfParams = (params) => writeQuery(params.#list);
        }

        constructor(init = '') {
            if (isObject(init)) {
                this.#list = pairs(init, wellFormed, wellFormed);
            } else {
                const text = wellFormed(init);
                this.#list = parseQuery(text.length > 0 && text[0] === '?' ? afterFirst(text) : text);
            }
        }

        get size() {
            return this.#list.length / 2;
        }

        append(name, value) {
            const list = this.#list;
            need(arguments.length, 2, 'URLSearchParams.append');
            name = wellFormed(name);
            push(list, name, wellFormed(value));
            this.#tell();
        }

        delete(name, value = undefined) {
            const list = this.#list;
            need(arguments.length, 1, 'URLSearchParams.delete');
            name = wellFormed(name);
            value = value === undefined ? undefined : wellFormed(value);
            let kept = 0;
            for (let i = 0; i < list.length; i += 2) {
                if (list[i] !== name || value !== undefined && list[i + 1] !== value) {
                    list[kept++] = list[i];
                    list[kept++] = list[i + 1];
                }
            }
            list.length = kept;
            this.#tell();
        }

        get(name) {
            const list = this.#list;
            need(arguments.length, 1, 'URLSearchParams.get');
            const at = find(list, wellFormed(name));
            return at < 0 ? null : list[at + 1];
        }

        getAll(name) {
            const list = this.#list;
            need(arguments.length, 1, 'URLSearchParams.getAll');
            name = wellFormed(name);
            const values = [];
            for (let i = 0; i < list.length; i += 2) {
                if (list[i] === name) {
                    push(values, list[i + 1]);
                }
            }
            return values;
        }

        has(name, value = undefined) {
            const list = this.#list;
            need(arguments.length, 1, 'URLSearchParams.has');
            name = wellFormed(name);
            value = value === undefined ? undefined : wellFormed(value);
            for (let i = 0; i < list.length; i += 2) {
                if (list[i] === name && (value === undefined || list[i + 1] === value)) {
                    return true;
                }
            }
            return false;
        }

        set(name, value) {
            const list = this.#list;
            need(arguments.length, 2, 'URLSearchParams.set');
            name = wellFormed(name);
            value = wellFormed(value);
            const first = find(list, name);
            if (first < 0) {
                push(list, name, value);
            } else {
                list[first + 1] = value;
                let kept = first + 2;
                for (let i = first + 2; i < list.length; i += 2) {
                    if (list[i] !== name) {
                        list[kept++] = list[i];
                        list[kept++] = list[i + 1];
                    }
                }
                list.length = kept;
            }
            this.#tell();
        }

        sort() {
            const list = this.#list;
            const all = [];
            for (let i = 0; i < list.length; i += 2) {
                push(all, [list[i], list[i + 1]]);
            }
            apply(sort, all, [byName]);
            for (let i = 0; i < all.length; i++) {
                list[2 * i] = all[i][0];
                list[2 * i + 1] = all[i][1];
            }
            this.#tell();
        }

        toString() {
            return writeQuery(this.#list);
        }

        #tell() {
            if (this.#url !== undefined) {
                setSearch(this.#url, writeQuery(this.#list));
            }
        }
    }

    const { substring } = String.prototype;
    const afterFirst = (text) => apply(substring, text, [1]);
    const byName = (one, other) => one[0] < other[0] ? -1 : one[0] > other[0] ? 1 : 0;
    const find = (list, name) => {
        for (let i = 0; i < list.length; i += 2) {
            if (list[i] === name) {
                return i;
            }
        }
        return -1;
    };

    const parse = (url, base) => {
        const href = parseUrl(url, base);
        if (href === undefined) {
            throw new TypeError(
                '"' + excerpt(url) + '" is not a valid URL' + (base === undefined ? '' : ' with this base')
            );
        }
        return href;
    };

    class URL {
        #href;
        #params = undefined;

        static {
            setSearch = (url, query) => {
                url.#href = replacePart(url.#href, SEARCH, query);
            };
        }

        constructor(url, base = undefined) {
            need(arguments.length, 1, 'URL');
            url = wellFormed(url);
            this.#href = parse(url, base === undefined ? undefined : wellFormed(base));
        }

        static parse(url, base = undefined) {
            need(arguments.length, 1, 'URL.parse');
            const href = parseUrl(url, base);
            return href === undefined ? null : new URL(href);
        }

        static canParse(url, base = undefined) {
            need(arguments.length, 1, 'URL.canParse');
            return parseUrl(url, base) !== undefined;
        }

        get href() {
            return this.#href;
        }

        set href(value) {
            this.#href = parse(wellFormed(value), undefined);
            this.#renew();
        }

        get origin() {
            return takePart(this.#href, ORIGIN);
        }

        get protocol() {
            return takePart(this.#href, PROTOCOL);
        }

        set protocol(value) {
            this.#replace(PROTOCOL, wellFormed(value));
        }

        get username() {
            return takePart(this.#href, USERNAME);
        }

        set username(value) {
            this.#replace(USERNAME, wellFormed(value));
        }

        get password() {
            return takePart(this.#href, PASSWORD);
        }

        set password(value) {
            this.#replace(PASSWORD, wellFormed(value));
        }

        get host() {
            return takePart(this.#href, HOST);
        }

        set host(value) {
            this.#replace(HOST, wellFormed(value));
        }

        get hostname() {
            return takePart(this.#href, HOSTNAME);
        }

        set hostname(value) {
            this.#replace(HOSTNAME, wellFormed(value));
        }

        get port() {
            return takePart(this.#href, PORT);
        }

        set port(value) {
            this.#replace(PORT, wellFormed(value));
        }

        get pathname() {
            return takePart(this.#href, PATHNAME);
        }

        set pathname(value) {
            this.#replace(PATHNAME, wellFormed(value));
        }

        get search() {
            return takePart(this.#href, SEARCH);
        }

        set search(value) {
            this.#replace(SEARCH, wellFormed(value));
            this.#renew();
        }

        get searchParams() {
            this.#params ??= paramsOf(this, queryOf(this.#href));
            return this.#params;
        }

        get hash() {
            return takePart(this.#href, HASH);
        }

        set hash(value) {
            this.#replace(HASH, wellFormed(value));
        }

        toJSON() {
            return this.#href;
        }

        toString() {
            return this.#href;
        }

        #replace(part, value) {
            this.#href = replacePart(this.#href, part, value);
        }

        #renew() {
            if (this.#params !== undefined) {
                renew(this.#params, queryOf(this.#href));
            }
        }
    }

    const queryOf = (href) => {
        const search = takePart(href, SEARCH);
        return search === '' ? '' : afterFirst(search);
    };

    iterable(URLSearchParams, 'URLSearchParams', read);
    define(URLSearchParams);
    define(URL);
    // Web IDL calls the attributes that make the text stringifiers; their order is that of the standard.
    kit.parseOf = parse;
})
