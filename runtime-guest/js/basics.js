// `DOMException`, `atob`, `btoa` and `self`.
(function (kit) {
    'use strict';
    const { define, fromBase64, need, string, toBase64 } = kit;
    const { construct, defineProperty } = Reflect;
    const { Error } = globalThis;

    // A DOMException is an error of the engine, with its stack, that gets these fields. The class is not reachable, so
    // that `super` is what it is here.
    class Stamp extends function (error) { return error; } {
        #name;
        #message;
        constructor(error, message, name) {
            super(error);
            this.#message = message;
            this.#name = name;
        }
        static name(error) {
            return error.#name;
        }
        static message(error) {
            return error.#message;
        }
    }
    const nameOf = Stamp.name;
    const messageOf = Stamp.message;

    // In the order of their codes. Names that stand for nothing have no code any more.
    const names = ['IndexSize', '', 'HierarchyRequest', 'WrongDocument', 'InvalidCharacter', '',
        'NoModificationAllowed', 'NotFound', 'NotSupported', 'InUseAttribute', 'InvalidState', 'Syntax', 'InvalidModification', 'Namespace',
        'InvalidAccess', '', 'TypeMismatch', 'Security', 'Network', 'Abort', 'URLMismatch', 'QuotaExceeded', 'Timeout',
        'InvalidNodeType', 'DataClone'];
    const codes = { __proto__: null };

    class DOMException {
        constructor(message = '', name = 'Error') {
            message = string(message);
            return new Stamp(construct(Error, [], new.target), message, string(name));
        }

        get name() {
            return nameOf(this);
        }

        get message() {
            return messageOf(this);
        }

        get code() {
            return codes[nameOf(this)] ?? 0;
        }
    }
    define(DOMException);
    Object.setPrototypeOf(DOMException.prototype, Error.prototype);

    const constants = ['INDEX_SIZE', 'DOMSTRING_SIZE', 'HIERARCHY_REQUEST', 'WRONG_DOCUMENT', 'INVALID_CHARACTER',
        'NO_DATA_ALLOWED', 'NO_MODIFICATION_ALLOWED', 'NOT_FOUND', 'NOT_SUPPORTED', 'INUSE_ATTRIBUTE', 'INVALID_STATE',
        'SYNTAX', 'INVALID_MODIFICATION', 'NAMESPACE', 'INVALID_ACCESS', 'VALIDATION', 'TYPE_MISMATCH', 'SECURITY',
        'NETWORK', 'ABORT', 'URL_MISMATCH', 'QUOTA_EXCEEDED', 'TIMEOUT', 'INVALID_NODE_TYPE', 'DATA_CLONE'];
    constants.forEach((name, index) => {
        for (const object of [DOMException, DOMException.prototype]) {
            defineProperty(object, '' + name + '_ERR', { value: index + 1, enumerable: true });
        }
        if (names[index] !== '') {
            codes['' + names[index] + 'Error'] = index + 1;
        }
    });

    // A function of the global object. A method, unlike a function, is no constructor.
    const globals = {
        atob(data) {
            need(arguments.length, 1, 'atob');
            const decoded = fromBase64(data);
            if (decoded === undefined) {
                throw new DOMException('the text is no Base64', 'InvalidCharacterError');
            }
            return decoded;
        },
        btoa(data) {
            need(arguments.length, 1, 'btoa');
            const encoded = toBase64(data);
            if (encoded === undefined) {
                throw new DOMException('the text has a character above U+00FF', 'InvalidCharacterError');
            }
            return encoded;
        },
    };
    for (const name of Object.keys(globals)) {
        defineProperty(globalThis, name,
            { value: globals[name], writable: true, enumerable: true, configurable: true });
    }

    defineProperty(globalThis, 'self', { value: globalThis, writable: true, enumerable: false, configurable: true });
})
