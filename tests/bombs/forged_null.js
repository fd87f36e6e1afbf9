// Attacks: the error's code: an engine with no memory left for an error throws null, and so can anybody.
// Expect: js_error
throw null;
