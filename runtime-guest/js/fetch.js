// `Request` and `Response`: what is sent and what comes back, without anything that sends it.
(function (kit) {
    'use strict';
    const { checkByteString, checkSignal, define, dictionary, excerpt, extract, fillHeaders, follow, gather } = kit;
    const { headerName, headerOf, isObject, isReason, lockHeaders, makeHeaders, need, parseUrl, readable } = kit;
    const { setHeader, string, takePart, wellFormed } = kit;
    const { JSON, RangeError, TypeError } = globalThis;
    const { stringify } = JSON;
    const global = globalThis;

    // A URL relative to the global `location`, where a script has defined one.
    const resolve = (text) => {
        text = wellFormed(text);
        const { location } = global;
        const base = isObject(location) ? location.href : undefined;
        const url = parseUrl(text, base === undefined ? undefined : wellFormed(base));
        if (url === undefined) {
            throw new TypeError('"' + excerpt(text) + '" is not a valid URL');
        }
        return url;
    };

    const among = (value, all, name) => {
        value = string(value);
        for (let i = 0; i < all.length; i++) {
            if (all[i] === value) {
                return value;
            }
        }
        throw new TypeError('the option ' + name + ' has no value "' + excerpt(value) + '"');
    };
    const CACHES = ['default', 'no-store', 'reload', 'no-cache', 'force-cache', 'only-if-cached'];
    const CREDENTIALS = ['omit', 'same-origin', 'include'];
    const MODES = ['navigate', 'same-origin', 'no-cors', 'cors'];
    const REDIRECTS = ['follow', 'error', 'manual'];
    const PRIORITIES = ['high', 'low', 'auto'];
    const POLICIES = ['', 'no-referrer', 'no-referrer-when-downgrade', 'same-origin', 'origin', 'strict-origin',
        'origin-when-cross-origin', 'strict-origin-when-cross-origin', 'unsafe-url'];

    const upper = { __proto__: null, delete: 'DELETE', get: 'GET', head: 'HEAD', options: 'OPTIONS', post: 'POST',
        put: 'PUT' };
    const method = (value) => {
        value = checkByteString(value);
        const lower = headerName(value);
        if (lower === undefined || lower === 'connect' || lower === 'trace' || lower === 'track') {
            throw new TypeError('"' + excerpt(value) + '" is not a method of a request');
        }
        return upper[lower] ?? value;
    };

    let isRequest;

    class Request {
        #url;
        #method = 'GET';
        #headers;
        #body = null;
        #isUsed = false;
        #signal;
        #referrer = 'about:client';
        #referrerPolicy = '';
        #mode = 'cors';
        #credentials = 'same-origin';
        #cache = 'default';
        #redirect = 'follow';
        #integrity = '';
        #keepalive = false;

        static {
            isRequest = (value) => isObject(value) && #url in value;
        }

        constructor(input, init = undefined) {
            need(arguments.length, 1, 'Request');
            const from = isRequest(input) ? input : undefined;
            const text = from === undefined ? wellFormed(input) : undefined;
            const options = members(dictionary(init));
            if (from !== undefined) {
                this.#copy(from);
            } else {
                const url = resolve(text);
                if (takePart(url, 2) !== '' || takePart(url, 3) !== '') {
                    throw new TypeError('the URL of a request has a name or a password');
                }
                this.#url = url;
            }
            if (options.window !== undefined && options.window !== null) {
                throw new TypeError('the option window is not null');
            }
            if (options.isGiven && from !== undefined) {
                this.#referrer = 'about:client';
                this.#referrerPolicy = '';
            }
            if (options.referrer !== undefined) {
                this.#referrer = options.referrer === '' ? '' : resolve(options.referrer);
            }
            this.#referrerPolicy = options.referrerPolicy ?? this.#referrerPolicy;
            if (options.mode === 'navigate') {
                throw new TypeError('the option mode is "navigate"');
            }
            this.#mode = options.mode ?? this.#mode;
            this.#credentials = options.credentials ?? this.#credentials;
            this.#cache = options.cache ?? this.#cache;
            if (this.#cache === 'only-if-cached' && this.#mode !== 'same-origin') {
                throw new TypeError('the option cache is "only-if-cached", which needs the mode "same-origin"');
            }
            this.#redirect = options.redirect ?? this.#redirect;
            this.#integrity = options.integrity ?? this.#integrity;
            this.#keepalive = options.keepalive ?? this.#keepalive;
            if (options.method !== undefined) {
                this.#method = method(options.method);
            }
            const signal = options.signal === undefined ? from?.#signal : options.signal;
            this.#signal = follow(signal === undefined || signal === null ? [] : [signal]);
            const isSimple = this.#method === 'GET' || this.#method === 'HEAD' || this.#method === 'POST';
            if (this.#mode === 'no-cors' && !isSimple) {
                throw new TypeError('the option mode is "no-cors", which has no method ' + this.#method);
            }
            if (options.headers !== undefined) {
                this.#headers = makeHeaders();
                fillHeaders(this.#headers, options.headers);
            } else {
                this.#headers = makeHeaders(from?.#headers);
            }
            const isGiven = options.body !== undefined && options.body !== null;
            const old = from === undefined ? null : from.#body;
            if ((isGiven || old !== null) && (this.#method === 'GET' || this.#method === 'HEAD')) {
                throw new TypeError('a request of the method ' + this.#method + ' has no body');
            }
            if (isGiven) {
                const { bytes, type } = extract(options.body);
                this.#body = bytes;
                if (type !== null && headerOf(this.#headers, 'content-type') === null) {
                    setHeader(this.#headers, 'content-type', type);
                }
            } else if (old !== null) {
                if (from.#isUsed) {
                    throw new TypeError('the body of the request was read already');
                }
                this.#body = old;
                from.#isUsed = true;
            }
        }

        get method() {
            return this.#method;
        }

        get url() {
            return this.#url;
        }

        get headers() {
            return this.#headers;
        }

        get destination() {
            this.#url;
            return '';
        }

        get referrer() {
            return this.#referrer;
        }

        get referrerPolicy() {
            return this.#referrerPolicy;
        }

        get mode() {
            return this.#mode;
        }

        get credentials() {
            return this.#credentials;
        }

        get cache() {
            return this.#cache;
        }

        get redirect() {
            return this.#redirect;
        }

        get integrity() {
            return this.#integrity;
        }

        get keepalive() {
            return this.#keepalive;
        }

        get isReloadNavigation() {
            this.#url;
            return false;
        }

        get isHistoryNavigation() {
            this.#url;
            return false;
        }

        get signal() {
            return this.#signal;
        }

        get duplex() {
            this.#url;
            return 'half';
        }

        get bodyUsed() {
            return this.#isUsed;
        }

        clone() {
            if (this.#isUsed) {
                throw new TypeError('the body of the request was read already');
            }
            const clone = new Request(this.#url);
            clone.#copy(this);
            clone.#headers = makeHeaders(this.#headers);
            clone.#body = this.#body;
            clone.#signal = follow([this.#signal]);
            return clone;
        }

        #copy(from) {
            this.#url = from.#url;
            this.#method = from.#method;
            this.#referrer = from.#referrer;
            this.#referrerPolicy = from.#referrerPolicy;
            this.#mode = from.#mode;
            this.#credentials = from.#credentials;
            this.#cache = from.#cache;
            this.#redirect = from.#redirect;
            this.#integrity = from.#integrity;
            this.#keepalive = from.#keepalive;
        }

        static {
            readable(Request, (request) => {
                const body = request.#body;
                if (request.#isUsed) {
                    throw new TypeError('the body of the request was read already');
                }
                request.#isUsed = body !== null;
                return { body, headers: request.#headers };
            });
        }
    }

    // The options of a request, converted in the order of their names.
    const members = (init) => {
        const body = init?.body;
        let cache = init?.cache;
        cache = cache === undefined ? undefined : among(cache, CACHES, 'cache');
        let credentials = init?.credentials;
        credentials = credentials === undefined ? undefined : among(credentials, CREDENTIALS, 'credentials');
        const duplex = init?.duplex;
        if (duplex !== undefined) {
            among(duplex, ['half'], 'duplex');
        }
        const headers = init?.headers;
        let integrity = init?.integrity;
        integrity = integrity === undefined ? undefined : string(integrity);
        let keepalive = init?.keepalive;
        keepalive = keepalive === undefined ? undefined : !!keepalive;
        const methodName = init?.method;
        let mode = init?.mode;
        mode = mode === undefined ? undefined : among(mode, MODES, 'mode');
        const priority = init?.priority;
        if (priority !== undefined) {
            among(priority, PRIORITIES, 'priority');
        }
        let redirect = init?.redirect;
        redirect = redirect === undefined ? undefined : among(redirect, REDIRECTS, 'redirect');
        let referrerText = init?.referrer;
        referrerText = referrerText === undefined ? undefined : wellFormed(referrerText);
        let referrerPolicy = init?.referrerPolicy;
        referrerPolicy = referrerPolicy === undefined ? undefined : among(referrerPolicy, POLICIES, 'referrerPolicy');
        const signal = init?.signal;
        if (signal !== undefined && signal !== null) {
            checkSignal(signal);
        }
        const window = init?.window;
        const isGiven = cache !== undefined || credentials !== undefined || integrity !== undefined ||
            keepalive !== undefined || mode !== undefined || redirect !== undefined || referrerText !== undefined ||
            referrerPolicy !== undefined || methodName !== undefined || signal !== undefined || headers !== undefined ||
            body !== undefined || window !== undefined;
        return { __proto__: null, body, cache, credentials, headers, integrity, keepalive, method: methodName, mode,
            redirect, referrer: referrerText, referrerPolicy, signal, window, isGiven };
    };

    class Response {
        #type = 'default';
        #url = '';
        #status = 200;
        #statusText = '';
        #headers = makeHeaders();
        #body = null;
        #isUsed = false;

        constructor(body = null, init = undefined) {
            const options = dictionary(init);
            if (body === undefined) {
                body = null;
            }
            const extracted = body === null ? undefined : extract(body);
            this.#begin(options, extracted);
        }

        static error() {
            const response = new Response();
            response.#type = 'error';
            response.#status = 0;
            lockHeaders(response.#headers);
            return response;
        }

        static redirect(url, status = 302) {
            need(arguments.length, 1, 'Response.redirect');
            const href = resolve(url);
            status = short(status);
            if (status !== 301 && status !== 302 && status !== 303 && status !== 307 && status !== 308) {
                throw new RangeError('' + status + ' is not the status of a redirect');
            }
            const response = new Response();
            response.#status = status;
            setHeader(response.#headers, 'location', href);
            lockHeaders(response.#headers);
            return response;
        }

        static json(data, init = undefined) {
            need(arguments.length, 1, 'Response.json');
            const options = dictionary(init);
            const text = stringify(data);
            if (text === undefined) {
                throw new TypeError('the value has no JSON form');
            }
            const response = new Response();
            response.#begin(options, { bytes: gather([wellFormed(text)]), type: 'application/json' });
            return response;
        }

        get type() {
            return this.#type;
        }

        get url() {
            return this.#url;
        }

        get redirected() {
            this.#url;
            return false;
        }

        get status() {
            return this.#status;
        }

        get ok() {
            return this.#status >= 200 && this.#status <= 299;
        }

        get statusText() {
            return this.#statusText;
        }

        get headers() {
            return this.#headers;
        }

        get bodyUsed() {
            return this.#isUsed;
        }

        clone() {
            if (this.#isUsed) {
                throw new TypeError('the body of the response was read already');
            }
            const clone = new Response();
            clone.#type = this.#type;
            clone.#url = this.#url;
            clone.#status = this.#status;
            clone.#statusText = this.#statusText;
            clone.#headers = makeHeaders(this.#headers);
            clone.#body = this.#body;
            if (this.#type === 'error') {
                lockHeaders(clone.#headers);
            }
            return clone;
        }

        #begin(options, extracted) {
            const headers = options?.headers;
            let status = options?.status;
            status = status === undefined ? 200 : short(status);
            let statusText = options?.statusText;
            statusText = statusText === undefined ? '' : checkByteString(statusText);
            if (status < 200 || status > 599) {
                throw new RangeError('' + status + ' is not a status between 200 and 599');
            }
            if (!isReason(statusText)) {
                throw new TypeError('"' + excerpt(statusText) + '" is not the text of a status');
            }
            this.#status = status;
            this.#statusText = statusText;
            if (headers !== undefined) {
                fillHeaders(this.#headers, headers);
            }
            if (extracted !== undefined) {
                if (status === 204 || status === 205 || status === 304) {
                    throw new TypeError('a response of the status ' + status + ' has no body');
                }
                this.#body = extracted.bytes;
                if (extracted.type !== null && headerOf(this.#headers, 'content-type') === null) {
                    setHeader(this.#headers, 'content-type', extracted.type);
                }
            }
        }

        static {
            readable(Response, (response) => {
                const body = response.#body;
                if (response.#isUsed) {
                    throw new TypeError('the body of the response was read already');
                }
                response.#isUsed = body !== null;
                return { body, headers: response.#headers };
            });
        }
    }

    // An `unsigned short`.
    const short = (value) => +value & 0xffff;

    define(Request);
    define(Response);
})
