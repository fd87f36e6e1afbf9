// `performance`: the time since the instance began. It dispatches no events.
(function (kit) {
    'use strict';
    const { EventTarget, define, now, timeOrigin } = kit;
    const { TypeError } = globalThis;

    // Only who has this makes one.
    const key = { __proto__: null };

    class Performance extends EventTarget {
        #isPerformance = true;

        constructor(given = undefined) {
            if (given !== key) {
                throw new TypeError('Performance has no constructor; use performance');
            }
            super();
        }

        get timeOrigin() {
            this.#isPerformance;
            return timeOrigin();
        }

        now() {
            this.#isPerformance;
            return now();
        }

        toJSON() {
            this.#isPerformance;
            return { timeOrigin: timeOrigin() };
        }
    }

    define(Performance);
    Reflect.defineProperty(globalThis, 'performance',
        { value: new Performance(key), writable: true, enumerable: true, configurable: true });
})
