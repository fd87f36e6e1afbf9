// `Event`, `CustomEvent` and `EventTarget`. There is no tree of nodes, so an event has one target only.
(function (kit) {
    'use strict';
    const { define, dictionary, isObject, need, now, push, string } = kit;
    const { apply, defineProperty, getOwnPropertyDescriptor } = Reflect;
    const { DOMException, Promise, TypeError } = globalThis;

    const NONE = 0, AT_TARGET = 2;
    let begin, end, initialize, isStopped, isStoppedAtOnce, isTrusted, setPassive, trust;

    class Event {
        #type;
        #bubbles;
        #cancelable;
        #composed;
        #target = null;
        #phase = NONE;
        #isStopped = false;
        #isStoppedAtOnce = false;
        #isCancelled = false;
        #isPassive = false;
        #isTrusted = false;
        #isDispatched = false;
        #time = now();

        static {
            begin = (event, target) => {
                if (event.#isDispatched) {
                    throw new DOMException('the event is being dispatched already', 'InvalidStateError');
                }
                event.#isDispatched = true;
                event.#target = target;
                event.#phase = AT_TARGET;
                event.#isTrusted = false;
            };
            end = (event) => {
                event.#isDispatched = event.#isStopped = event.#isStoppedAtOnce = false;
                event.#phase = NONE;
                return !event.#isCancelled;
            };
            initialize = (event, type, bubbles, cancelable) => {
                if (!event.#isDispatched) {
                    event.#isStopped = event.#isStoppedAtOnce = event.#isCancelled = event.#isTrusted = false;
                    event.#target = null;
                    event.#type = type;
                    event.#bubbles = !!bubbles;
                    event.#cancelable = !!cancelable;
                }
                return !event.#isDispatched;
            };
            isStopped = (event) => event.#isStopped;
            isStoppedAtOnce = (event) => event.#isStoppedAtOnce;
            setPassive = (event, isPassive) => {
                event.#isPassive = isPassive;
            };
            trust = (event) => {
                event.#isTrusted = true;
            };
            // Each event has this property itself, and no script can change it.
            const { get } = getOwnPropertyDescriptor({
                get isTrusted() {
                    return this.#isTrusted;
                },
            }, 'isTrusted');
            isTrusted = { __proto__: null, get, enumerable: true, configurable: false };
        }

        constructor(type, eventInitDict = undefined) {
            need(arguments.length, 1, 'Event');
            this.#type = string(type);
            const init = dictionary(eventInitDict);
            this.#bubbles = !!init?.bubbles;
            this.#cancelable = !!init?.cancelable;
            this.#composed = !!init?.composed;
            defineProperty(this, 'isTrusted', isTrusted);
        }

        get type() {
            return this.#type;
        }

        get target() {
            return this.#target;
        }

        get srcElement() {
            return this.#target;
        }

        get currentTarget() {
            return this.#phase === NONE ? null : this.#target;
        }

        composedPath() {
            return this.#phase === NONE ? [] : [this.#target];
        }

        get eventPhase() {
            return this.#phase;
        }

        stopPropagation() {
            this.#isStopped = true;
        }

        get cancelBubble() {
            return this.#isStopped;
        }

        set cancelBubble(value) {
            this.#isStopped ||= !!value;
        }

        stopImmediatePropagation() {
            this.#isStopped = this.#isStoppedAtOnce = true;
        }

        get bubbles() {
            return this.#bubbles;
        }

        get cancelable() {
            return this.#cancelable;
        }

        get returnValue() {
            return !this.#isCancelled;
        }

        set returnValue(value) {
            if (!value) {
                this.#cancel();
            }
        }

        preventDefault() {
            this.#cancel();
        }

        get defaultPrevented() {
            return this.#isCancelled;
        }

        get composed() {
            return this.#composed;
        }

        get timeStamp() {
            return this.#time;
        }

        initEvent(type, bubbles = false, cancelable = false) {
            this.#type;
            need(arguments.length, 1, 'Event.initEvent');
            initialize(this, string(type), bubbles, cancelable);
        }

        #cancel() {
            this.#isCancelled ||= this.#cancelable && !this.#isPassive;
        }
    }

    const phases = { NONE, CAPTURING_PHASE: 1, AT_TARGET, BUBBLING_PHASE: 3 };
    for (const name of Object.keys(phases)) {
        defineProperty(Event, name, { value: phases[name], enumerable: true });
        defineProperty(Event.prototype, name, { value: phases[name], enumerable: true });
    }

    class CustomEvent extends Event {
        #detail;

        constructor(type, eventInitDict = undefined) {
            need(arguments.length, 1, 'CustomEvent');
            super(type, eventInitDict);
            const detail = dictionary(eventInitDict)?.detail;
            this.#detail = detail === undefined ? null : detail;
        }

        get detail() {
            return this.#detail;
        }

        initCustomEvent(type, bubbles = false, cancelable = false, detail = null) {
            this.#detail;
            need(arguments.length, 1, 'CustomEvent.initCustomEvent');
            if (initialize(this, string(type), bubbles, cancelable)) {
                this.#detail = detail;
            }
        }
    }

    // Lists of listeners that are being walked must not change. They are copied first where any list is.
    let walks = 0;
    let addListener, dispatch, removeListener;

    class EventTarget {
        // A list for each type.
        #listeners = { __proto__: null };

        static {
            addListener = (target, listener) => {
                const lists = target.#listeners;
                const all = lists[listener.type];
                if (all === undefined || walks > 0) {
                    lists[listener.type] = all === undefined ? [] : without(all, undefined);
                }
                push(lists[listener.type], listener);
            };
            removeListener = (target, listener) => {
                const lists = target.#listeners;
                lists[listener.type] = without(lists[listener.type], listener);
                listener.isRemoved = true;
            };
            dispatch = (target, event) => {
                const { type } = event;
                for (let phase = 0; phase < 2 && !isStopped(event); phase++) {
                    const all = target.#listeners[type] ?? [];
                    for (let i = 0; i < all.length && !isStoppedAtOnce(event); i++) {
                        const listener = all[i];
                        if (!listener.isRemoved && listener.capture === (phase === 0)) {
                            call(target, listener, event);
                        }
                    }
                }
                return end(event);
            };
            // An event that the jar itself dispatches.
            kit.fire = (target, type) => {
                const event = new Event(type);
                begin(event, target);
                trust(event);
                dispatch(target, event);
            };
            kit.addListener = addListener;
            kit.removeListener = removeListener;
        }

        addEventListener(type, callback, options = undefined) {
            const lists = this.#listeners;
            need(arguments.length, 2, 'EventTarget.addEventListener');
            type = string(type);
            checkCallback(callback);
            let capture = options, once = false, passive = false, signal;
            if (isObject(options)) {
                ({ capture } = options);
                once = !!options.once;
                passive = !!options.passive;
                ({ signal } = options);
            }
            if (signal !== undefined) {
                kit.checkSignal(signal);
            }
            if (callback === null || callback === undefined || signal !== undefined && kit.isAborted(signal)) {
                return;
            }
            const listener = { type, callback, capture: !!capture, once, passive, isRemoved: false };
            if (find(lists, listener) !== undefined) {
                return;
            }
            addListener(this, listener);
            if (signal !== undefined) {
                kit.whenAborted(signal, () => removeListener(this, listener));
            }
        }

        removeEventListener(type, callback, options = undefined) {
            const lists = this.#listeners;
            need(arguments.length, 2, 'EventTarget.removeEventListener');
            type = string(type);
            checkCallback(callback);
            const capture = !!(isObject(options) ? options.capture : options);
            const listener = find(lists, { type, callback, capture });
            if (listener !== undefined) {
                removeListener(this, listener);
            }
        }

        dispatchEvent(event) {
            this.#listeners;
            need(arguments.length, 1, 'EventTarget.dispatchEvent');
            if (!isObject(event)) {
                throw new TypeError('EventTarget.dispatchEvent takes an Event');
            }
            begin(event, this);
            return dispatch(this, event);
        }
    }

    const call = (target, listener, event) => {
        if (listener.once) {
            removeListener(target, listener);
        }
        setPassive(event, listener.passive);
        walks++;
        try {
            const { callback } = listener;
            if (typeof callback === 'function') {
                apply(callback, target, [event]);
            } else {
                const { handleEvent } = callback;
                if (typeof handleEvent !== 'function') {
                    throw new TypeError('handleEvent is not a function');
                }
                apply(handleEvent, callback, [event]);
            }
        } catch (error) {
            // It is an error that nobody handles.
            new Promise((_, reject) => reject(error));
        } finally {
            walks--;
            setPassive(event, false);
        }
    };

    const without = (all, listener) => {
        const kept = [];
        for (let i = 0; i < all.length; i++) {
            if (all[i] !== listener) {
                push(kept, all[i]);
            }
        }
        return kept;
    };

    const checkCallback = (callback) => {
        if (callback !== null && callback !== undefined && !isObject(callback)) {
            throw new TypeError('the listener is neither a function nor an object');
        }
    };

    const find = (lists, { type, callback, capture }) => {
        const all = lists[type] ?? [];
        for (let i = 0; i < all.length; i++) {
            if (all[i].callback === callback && all[i].capture === capture) {
                return all[i];
            }
        }
        return undefined;
    };

    kit.EventTarget = EventTarget;
    define(Event);
    define(CustomEvent);
    define(EventTarget);
})
