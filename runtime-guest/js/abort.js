// `AbortController` and `AbortSignal`. `AbortSignal.timeout` needs a timer that calls `abort` below.
(function (kit) {
    'use strict';
    const { EventTarget, addListener, define, fire, isObject, need, push, removeListener, sequence } = kit;
    const { apply } = Reflect;
    const { DOMException, TypeError } = globalThis;

    // Only who has this makes a signal.
    const key = { __proto__: null };
    let abort, isSignal, whenAborted, setReason;

    class AbortSignal extends EventTarget {
        #isAborted = false;
        #reason = undefined;
        // What the jar itself does when the signal is aborted.
        #steps = [];
        // The signals that this one follows, and those that follow this one.
        #sources = undefined;
        #followers = [];
        #handler = null;
        #listener = undefined;

        static {
            isSignal = (value) => isObject(value) && #isAborted in value;
            kit.isAborted = (signal) => signal.#isAborted;
            kit.reasonOf = (signal) => signal.#reason;
            whenAborted = (signal, step) => push(signal.#steps, step);
            setReason = (signal, reason) => {
                signal.#isAborted = true;
                signal.#reason = reason === undefined
                    ? new DOMException('the signal is aborted', 'AbortError') : reason;
            };
            abort = (signal, reason) => {
                if (signal.#isAborted) {
                    return;
                }
                setReason(signal, reason);
                const all = [signal];
                const followers = signal.#followers;
                for (let i = 0; i < followers.length; i++) {
                    if (!followers[i].#isAborted) {
                        setReason(followers[i], signal.#reason);
                        push(all, followers[i]);
                    }
                }
                signal.#followers = [];
                for (let i = 0; i < all.length; i++) {
                    const steps = all[i].#steps;
                    all[i].#steps = [];
                    for (let k = 0; k < steps.length; k++) {
                        steps[k]();
                    }
                    fire(all[i], 'abort');
                }
            };
            kit.follow = (sources) => {
                const signal = new AbortSignal(key);
                for (let i = 0; i < sources.length; i++) {
                    if (sources[i].#isAborted) {
                        setReason(signal, sources[i].#reason);
                        return signal;
                    }
                }
                signal.#sources = [];
                for (let i = 0; i < sources.length; i++) {
                    const deeper = sources[i].#sources ?? [sources[i]];
                    for (let k = 0; k < deeper.length; k++) {
                        push(signal.#sources, deeper[k]);
                        push(deeper[k].#followers, signal);
                    }
                }
                return signal;
            };
        }

        constructor(given = undefined) {
            if (given !== key) {
                throw new TypeError('AbortSignal has no constructor; use AbortController, or AbortSignal.abort');
            }
            super();
        }

        static abort(reason = undefined) {
            const signal = new AbortSignal(key);
            setReason(signal, reason);
            return signal;
        }

        static any(signals) {
            need(arguments.length, 1, 'AbortSignal.any');
            return kit.follow(sequence(signals, checkSignal));
        }

        get aborted() {
            return this.#isAborted;
        }

        get reason() {
            return this.#reason;
        }

        throwIfAborted() {
            if (this.#isAborted) {
                throw this.#reason;
            }
        }

        get onabort() {
            return this.#handler;
        }

        set onabort(value) {
            const handler = isObject(value) ? value : null;
            if (this.#handler === null && handler !== null) {
                const callback = (event) => {
                    if (typeof this.#handler === 'function') {
                        apply(this.#handler, this, [event]);
                    }
                };
                this.#listener =
                    { type: 'abort', callback, capture: false, once: false, passive: false, isRemoved: false };
                addListener(this, this.#listener);
            } else if (this.#handler !== null && handler === null) {
                removeListener(this, this.#listener);
            }
            this.#handler = handler;
        }
    }

    const checkSignal = (value) => {
        if (!isSignal(value)) {
            throw new TypeError('the signal is no AbortSignal');
        }
        return value;
    };

    class AbortController {
        #signal = new AbortSignal(key);

        get signal() {
            return this.#signal;
        }

        abort(reason = undefined) {
            abort(this.#signal, reason);
        }
    }

    kit.checkSignal = checkSignal;
    kit.whenAborted = whenAborted;
    define(AbortSignal);
    define(AbortController);
})
