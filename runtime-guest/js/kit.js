// What the other scripts share: the engine's functions, taken before any script of the embedder has run, and
// conversions as Web IDL has them. `kit` comes with the native functions of `src/web/`.
//
// At run time these scripts look nothing up that a script may have changed: no method of a prototype, no iterator of an
// array, no assignment of an element that is not there yet, and no template, for which the engine calls `concat`.
(function (kit) {
    'use strict';
    const { apply, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys, setPrototypeOf } = Reflect;
    const { iterator, toStringTag } = Symbol;
    const { TypeError } = globalThis;
    const { push } = kit;
    kit.now = performance.now;
    const IteratorPrototype = getPrototypeOf(getPrototypeOf([][iterator]()));

    const isObject = (value) => typeof value === 'object' ? value !== null : typeof value === 'function';
    kit.isObject = isObject;

    kit.need = (given, least, name) => {
        if (given < least) {
            throw new TypeError(
                '' + name + ' takes ' + least + ' argument' + (least > 1 ? 's' : '') + ', and got ' + given
            );
        }
    };

    // A dictionary of Web IDL: an object, or nothing.
    kit.dictionary = (value) => {
        if (value === undefined || value === null) {
            return undefined;
        }
        if (!isObject(value)) {
            throw new TypeError('the options are not an object');
        }
        return value;
    };

    const listMembers = (object, without) => {
        for (const key of ownKeys(object)) {
            if (typeof key === 'string' && !without.includes(key)) {
                defineProperty(object, key, { enumerable: true });
            }
        }
    };

    // Makes a class a global, with the properties that Web IDL wants.
    kit.define = (Class, name = Class.name) => {
        listMembers(Class, ['length', 'name', 'prototype']);
        listMembers(Class.prototype, ['constructor']);
        defineProperty(Class.prototype, toStringTag, { value: name, configurable: true });
        defineProperty(globalThis, name, { value: Class, writable: true, configurable: true });
    };

    // The items of an iterable value, each converted. `method` is the value's own, where it was looked up before.
    const sequence = (value, convert, method = isObject(value) ? value[iterator] : undefined) => {
        if (method === undefined || method === null) {
            throw new TypeError('the value is not iterable');
        }
        const items = [];
        for (const item of { [iterator]: () => apply(method, value, []) }) {
            push(items, convert(item));
        }
        return items;
    };

    kit.sequence = sequence;

    // The enumerable members of an object as a list: a name before each value.
    const record = (value, toName, toValue) => {
        const list = [];
        const keys = ownKeys(value);
        for (let i = 0; i < keys.length; i++) {
            const descriptor = getOwnPropertyDescriptor(value, keys[i]);
            if (descriptor === undefined || !descriptor.enumerable) {
                continue;
            }
            const name = toName(keys[i]);
            const converted = toValue(value[keys[i]]);
            let at = list.length;
            // Two names become the same only where the conversion changes one.
            if (name !== keys[i]) {
                for (at = 0; at < list.length && list[at] !== name; at += 2);
            }
            if (at < list.length) {
                list[at + 1] = converted;
            } else {
                push(list, name, converted);
            }
        }
        return list;
    };

    // The names and values of an object that is a sequence of pairs or a record, as such a list.
    kit.pairs = (value, toName, toValue) => {
        const method = value[iterator];
        if (method === undefined || method === null) {
            return record(value, toName, toValue);
        }
        const list = [];
        const items = sequence(value, (item) => sequence(item, toName), method);
        for (let i = 0; i < items.length; i++) {
            if (items[i].length !== 2) {
                throw new TypeError(
                    'a pair has a name and a value, and pair ' + i + ' has ' + items[i].length + ' items'
                );
            }
            push(list, items[i][0], toValue(items[i][1]));
        }
        return list;
    };

    // Adds `entries`, `keys`, `values` and `forEach` to a class. `read` gives the pair of an index: its name, and its
    // value under the name `value`; or nothing behind the last.
    kit.iterable = (Class, name, read) => {
        class PairIterator {
            #target;
            #kind;
            #at = 0;
            constructor(target, kind) {
                this.#target = target;
                this.#kind = kind;
            }
            next() {
                const pair = read(this.#target, this.#at);
                if (pair === undefined) {
                    return { value: undefined, done: true };
                }
                this.#at++;
                const value = this.#kind === 0 ? pair[0] : this.#kind === 1 ? pair[1] : pair;
                return { value, done: false };
            }
        }
        const { prototype } = PairIterator;
        delete prototype.constructor;
        setPrototypeOf(prototype, IteratorPrototype);
        listMembers(prototype, []);
        defineProperty(prototype, toStringTag, { value: '' + name + ' Iterator', configurable: true });

        const start = (target, kind) => {
            read(target, 0);
            return new PairIterator(target, kind);
        };
        const methods = {
            entries() {
                return start(this, 2);
            },
            forEach(callback, thisArg = undefined) {
                read(this, 0);
                if (typeof callback !== 'function') {
                    throw new TypeError('' + name + '.forEach takes a function');
                }
                for (let i = 0, pair; (pair = read(this, i)) !== undefined; i++) {
                    apply(callback, thisArg, [pair[1], pair[0], this]);
                }
            },
            keys() {
                return start(this, 0);
            },
            values() {
                return start(this, 1);
            },
        };
        for (const key of ownKeys(methods)) {
            defineProperty(Class.prototype, key, { value: methods[key], writable: true, configurable: true });
        }
        defineProperty(Class.prototype, iterator, { value: methods.entries, writable: true, configurable: true });
    };
})
