// What the files of the web platform tests call: a small part of their own harness, written anew. Results are collected
// and read by the runner; there is no page and no timer.
'use strict';
{
    const PASS = 0, FAIL = 1, NOTRUN = 3;
    const tests = [];
    const promises = [];
    let isSingle = false;
    let names = new Map();

    const define = (name, value) =>
        Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });

    const uniqueName = (name) => {
        name = name === undefined ? 'untitled' : String(name);
        const count = names.get(name) ?? 0;
        names.set(name, count + 1);
        return count === 0 ? name : `${name} (${count + 1})`;
    };

    class AssertionError extends Error {
        get name() {
            return 'AssertionError';
        }
    }

    class Test {
        status = NOTRUN;
        message = '';
        isDone = false;
        cleanups = [];
        phase = 0;
        constructor(name) {
            this.name = uniqueName(name);
            tests.push(this);
        }
        step(body, self = this, ...values) {
            if (this.isDone) {
                return undefined;
            }
            try {
                return body.apply(self, values);
            } catch (error) {
                this.fail(error);
                return undefined;
            }
        }
        fail(error) {
            if (this.isDone) {
                return;
            }
            this.status = FAIL;
            this.message = text(error);
            this.finish();
        }
        finish() {
            this.isDone = true;
            for (const cleanup of this.cleanups.splice(0)) {
                try {
                    cleanup();
                } catch {
                }
            }
            this.onDone?.();
        }
        done() {
            if (!this.isDone) {
                this.status = PASS;
                this.finish();
            }
        }
        step_func(body, self = this) {
            return (...values) => this.step(body, self, ...values);
        }
        step_func_done(body, self = this) {
            return (...values) => {
                if (body) {
                    this.step(body, self, ...values);
                }
                this.done();
            };
        }
        unreached_func(why) {
            return this.step_func(() => assert_unreached(why));
        }
        add_cleanup(cleanup) {
            this.cleanups.push(cleanup);
        }
        step_timeout(body, time, ...values) {
            return setTimeout(this.step_func(() => body.apply(this, values)), time);
        }
        step_wait(condition, why) {
            return new Promise((resolve) => {
                const look = () => condition() ? resolve() : setTimeout(look, 10);
                look();
            });
        }
        step_wait_func(condition, body, why) {
            this.step_wait(condition, why).then(this.step_func(body));
        }
        get_signal() {
            const controller = new AbortController();
            this.add_cleanup(() => controller.abort());
            return controller.signal;
        }
    }

    const text = (error) => {
        try {
            return error instanceof Error ? `${error.name}: ${error.message}` : format_value(error);
        } catch {
            return 'an error that cannot be shown';
        }
    };

    define('format_value', (value) => {
        switch (typeof value) {
            case 'string': return JSON.stringify(value);
            case 'bigint': return `${value}n`;
            case 'symbol': return value.toString();
            case 'number': return Object.is(value, -0) ? '-0' : String(value);
            case 'function': return `function ${value.name}`;
            case 'object':
                if (value !== null) {
                    try {
                        return `object "${value}"`;
                    } catch {
                        return 'an object';
                    }
                }
        }
        return String(value);
    });

    define('test', (body, name) => {
        const test = new Test(name);
        test.step(body, test, test);
        test.done();
    });

    define('async_test', (body, name) => {
        if (typeof body !== 'function') {
            [name, body] = [body, undefined];
        }
        const test = new Test(name);
        promises.push(new Promise((resolve) => {
            test.onDone = resolve;
        }));
        if (body) {
            test.step(body, test, test);
        }
        return test;
    });

    let before = Promise.resolve();
    define('promise_test', (body, name) => {
        const test = new Test(name);
        before = before.then(async () => {
            const failed = new Promise((resolve) => {
                test.onDone = resolve;
            });
            const run = async () => {
                try {
                    const promise = test.step(body, test, test);
                    if (!test.isDone) {
                        if (promise === undefined || promise === null || typeof promise.then !== 'function') {
                            throw new AssertionError('promise_test: the test must return a promise');
                        }
                        await promise;
                        test.done();
                    }
                } catch (error) {
                    test.fail(error);
                }
            };
            await Promise.race([run(), failed]);
        });
        promises.push(before);
    });

    define('setup', (body, options = body) => {
        if (typeof body === 'function') {
            body();
        }
        if (options?.single_test) {
            isSingle = true;
        }
    });
    define('promise_setup', (body) => {
        before = before.then(body);
    });
    define('done', () => {
        if (isSingle) {
            const test = new Test('the file');
            test.done();
        }
    });
    define('generate_tests', (body, all) => {
        for (const [name, ...values] of all) {
            test(() => body(...values), name);
        }
    });
    define('subsetTest', (run, ...rest) => run(...rest));
    define('subsetTestByKey', (key, run, ...rest) => run(...rest));
    define('step_timeout', (body, time, ...values) => setTimeout(() => body(...values), time));
    define('add_completion_callback', () => undefined);
    define('on_event', (object, name, body) => object.addEventListener(name, body));

    const assert = (condition, name, why, what) => {
        if (!condition) {
            throw new AssertionError(`${name}: ${why ? `${why}: ` : ''}${what}`);
        }
    };
    const same = (one, other) => Object.is(one, other);

    const assertions = {
        assert_true: (value, why) => assert(value === true, 'assert_true', why, `got ${format_value(value)}`),
        assert_false: (value, why) => assert(value === false, 'assert_false', why, `got ${format_value(value)}`),
        assert_equals: (value, expected, why) => assert(same(value, expected), 'assert_equals', why,
            `expected ${format_value(expected)}, got ${format_value(value)}`),
        assert_not_equals: (value, other, why) => assert(!same(value, other), 'assert_not_equals', why,
            `got ${format_value(value)}`),
        assert_in_array: (value, list, why) => assert(list.includes(value), 'assert_in_array', why,
            `${format_value(value)} is not in ${format_value(list)}`),
        assert_array_equals: (value, expected, why) => {
            assert(typeof value === 'object' && value !== null && 'length' in value, 'assert_array_equals', why,
                `got ${format_value(value)}`);
            assert(value.length === expected.length, 'assert_array_equals', why,
                `lengths differ, expected ${expected.length}, got ${value.length}`);
            for (let i = 0; i < expected.length; i++) {
                assert(same(value[i], expected[i]) && i in value === i in expected, 'assert_array_equals', why,
                    `item ${i}: expected ${format_value(expected[i])}, got ${format_value(value[i])}`);
            }
        },
        assert_object_equals: (value, expected, why) => {
            const compare = (one, other) => {
                for (const key in one) {
                    assert(Object.hasOwn(other, key), 'assert_object_equals', why, `unexpected property ${key}`);
                    if (typeof one[key] === 'object' && one[key] !== null) {
                        compare(one[key], other[key]);
                    } else {
                        assert(same(one[key], other[key]), 'assert_object_equals', why, `property ${key} differs`);
                    }
                }
                for (const key in other) {
                    assert(Object.hasOwn(one, key), 'assert_object_equals', why, `missing property ${key}`);
                }
            };
            compare(value, expected);
        },
        assert_approx_equals: (value, expected, epsilon, why) => assert(Math.abs(value - expected) <= epsilon,
            'assert_approx_equals', why, `expected ${expected}, got ${value}`),
        assert_less_than: (value, than, why) => assert(value < than, 'assert_less_than', why, `${value} and ${than}`),
        assert_greater_than: (value, than, why) => assert(value > than, 'assert_greater_than', why, `${value} and ${than}`),
        assert_less_than_equal: (value, than, why) => assert(value <= than, 'assert_less_than_equal', why,
            `${value} and ${than}`),
        assert_greater_than_equal: (value, than, why) => assert(value >= than, 'assert_greater_than_equal', why,
            `${value} and ${than}`),
        assert_between_exclusive: (value, low, high, why) => assert(value > low && value < high,
            'assert_between_exclusive', why, `got ${value}`),
        assert_regexp_match: (value, expression, why) => assert(expression.test(value), 'assert_regexp_match', why,
            `${expression} and ${format_value(value)}`),
        assert_class_string: (value, name, why) => {
            const shown = Object.prototype.toString.call(value);
            assert(shown === `[object ${name}]`, 'assert_class_string', why, `expected ${name}, got ${shown}`);
        },
        assert_own_property: (value, name, why) => assert(Object.hasOwn(value, name), 'assert_own_property', why,
            `there is no ${format_value(name)}`),
        assert_not_own_property: (value, name, why) => assert(!Object.hasOwn(value, name), 'assert_not_own_property', why,
            `there is ${format_value(name)}`),
        assert_inherits: (value, name, why) => assert(!Object.hasOwn(value, name) && name in value, 'assert_inherits', why,
            `${format_value(name)} is not inherited`),
        assert_idl_attribute: (value, name, why) => assert(name in value, 'assert_idl_attribute', why,
            `there is no ${format_value(name)}`),
        assert_readonly: (value, name, why) => {
            const old = value[name];
            try {
                value[name] = `${old}a`;
            } catch {
            }
            assert(same(value[name], old), 'assert_readonly', why, `${format_value(name)} can be set`);
        },
        assert_unreached: (why) => assert(false, 'assert_unreached', why, 'reached'),
        assert_implements: (value, why) => assert(value, 'assert_implements', why, 'it is missing'),
        assert_implements_optional: (value, why) => assert(value, 'assert_implements_optional', why, 'it is missing'),
        assert_any: (one, value, all, ...rest) => {
            const passes = all.some((expected) => {
                try {
                    one(value, expected, ...rest);
                    return true;
                } catch {
                    return false;
                }
            });
            assert(passes, 'assert_any', '', format_value(value));
        },
    };

    const checkJs = (error, constructor, name, why) => {
        assert(typeof error === 'object' && error !== null, name, why, `${format_value(error)} was thrown`);
        assert(error.constructor === constructor && error.name === constructor.name, name, why,
            `expected ${constructor.name}, got ${text(error)}`);
    };
    const CODES = {
        INDEX_SIZE_ERR: 'IndexSizeError', HIERARCHY_REQUEST_ERR: 'HierarchyRequestError',
        WRONG_DOCUMENT_ERR: 'WrongDocumentError', INVALID_CHARACTER_ERR: 'InvalidCharacterError',
        NO_MODIFICATION_ALLOWED_ERR: 'NoModificationAllowedError', NOT_FOUND_ERR: 'NotFoundError',
        NOT_SUPPORTED_ERR: 'NotSupportedError', INVALID_STATE_ERR: 'InvalidStateError', SYNTAX_ERR: 'SyntaxError',
        INVALID_ACCESS_ERR: 'InvalidAccessError', TYPE_MISMATCH_ERR: 'TypeMismatchError', SECURITY_ERR: 'SecurityError',
        NETWORK_ERR: 'NetworkError', ABORT_ERR: 'AbortError', URL_MISMATCH_ERR: 'URLMismatchError',
        QUOTA_EXCEEDED_ERR: 'QuotaExceededError', TIMEOUT_ERR: 'TimeoutError', DATA_CLONE_ERR: 'DataCloneError',
    };
    const checkDom = (error, type, name, why) => {
        assert(typeof error === 'object' && error !== null, name, why, `${format_value(error)} was thrown`);
        const expected = CODES[type] ?? type;
        if (typeof type === 'number') {
            assert(error.code === type, name, why, `expected code ${type}, got ${text(error)}`);
        } else {
            assert(error.name === expected, name, why, `expected ${expected}, got ${text(error)}`);
        }
        assert(error.constructor === DOMException, name, why, `${text(error)} is no DOMException`);
    };
    const thrown = (body, name, why) => {
        try {
            body.call(undefined);
        } catch (error) {
            return error;
        }
        throw new AssertionError(`${name}: ${why ? `${why}: ` : ''}nothing was thrown`);
    };
    const rejected = async (promise, name, why) => {
        let value;
        try {
            value = await promise;
        } catch (error) {
            return error;
        }
        throw new AssertionError(`${name}: ${why ? `${why}: ` : ''}fulfilled with ${format_value(value)}`);
    };

    Object.assign(assertions, {
        assert_throws_js: (constructor, body, why) =>
            checkJs(thrown(body, 'assert_throws_js', why), constructor, 'assert_throws_js', why),
        assert_throws_dom: (type, constructor, body, why) => {
            if (typeof body !== 'function') {
                [body, why] = [constructor, body];
            }
            checkDom(thrown(body, 'assert_throws_dom', why), type, 'assert_throws_dom', why);
        },
        assert_throws_exactly: (value, body, why) => {
            const error = thrown(body, 'assert_throws_exactly', why);
            assert(same(error, value), 'assert_throws_exactly', why, `got ${text(error)}`);
        },
        assert_throws_quotaexceedederror: (body, requested, quota, why) => {
            const error = thrown(body, 'assert_throws_quotaexceedederror', why);
            assert(error.name === 'QuotaExceededError', 'assert_throws_quotaexceedederror', why, text(error));
        },
        promise_rejects_js: async (test, constructor, promise, why) =>
            checkJs(await rejected(promise, 'promise_rejects_js', why), constructor, 'promise_rejects_js', why),
        promise_rejects_dom: async (test, type, constructor, promise, why) => {
            if (typeof constructor !== 'function') {
                [promise, why] = [constructor, promise];
            }
            checkDom(await rejected(promise, 'promise_rejects_dom', why), type, 'promise_rejects_dom', why);
        },
        promise_rejects_exactly: async (test, value, promise, why) => {
            const error = await rejected(promise, 'promise_rejects_exactly', why);
            assert(same(error, value), 'promise_rejects_exactly', why, `got ${text(error)}`);
        },
    });
    for (const [name, value] of Object.entries(assertions)) {
        define(name, value);
    }

    class EventWatcher {
        constructor(test, target, types) {
            let waiting;
            const listen = (event) => {
                if (!waiting) {
                    test.step(() => assert_unreached(`unexpected ${event.type}`));
                    return;
                }
                const { resolve, left, all } = waiting;
                test.step(() => assert_equals(event.type, left.shift()));
                all.push(event);
                if (left.length === 0) {
                    waiting = undefined;
                    resolve(all.length === 1 ? event : all);
                }
            };
            types = typeof types === 'string' ? [types] : types;
            for (const type of types) {
                target.addEventListener(type, listen);
            }
            this.wait_for = (types) => new Promise((resolve) => {
                waiting = { resolve, left: typeof types === 'string' ? [types] : [...types], all: [] };
            });
            this.stop_watching = () => types.forEach((type) => target.removeEventListener(type, listen));
            test.add_cleanup(this.stop_watching);
        }
    }
    define('EventWatcher', EventWatcher);

    define('GLOBAL', {
        isWindow: () => false, isWorker: () => true, isShadowRealm: () => false,
    });
    if (!('self' in globalThis)) {
        define('self', globalThis);
    }
    const { rpcSync } = host;
    define('location', globalThis.__location);
    delete globalThis.__location;
    // Only files of the checkout can be fetched.
    define('fetch', async (path) => {
        const body = rpcSync('read', String(path));
        if (body === null) {
            throw new TypeError('there is no network');
        }
        return { ok: true, status: 200, text: async () => body, json: async () => JSON.parse(body) };
    });
    define('fetch_json', async (path) => (await fetch(path)).json());

    define('__finish', async () => {
        for (let i = 0; i < promises.length; i++) {
            await promises[i];
        }
    });
    define('__results', () => tests.map(({ name, status, message }) =>
        [name.toWellFormed(), status, message.slice(0, 300).toWellFormed()]));
}
