// Attacks: the dispatch of events, with a handler that replaces itself while it runs and never comes to an end.
// Then: dispatch
// Expect: cpu_limit_exceeded
host.on('event', function again() { host.on('event', again); for (;;) host.on('event', () => again()); });
true;
