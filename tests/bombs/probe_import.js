// Attacks: the file system, by importing modules, statically and dynamically.
// Expect: ok
const roads = ['/etc/passwd', 'file:///etc/passwd', './x.js', 'std', 'os', 'data:text/javascript,1', 'https://example.org/x.js'];
Promise.allSettled(roads.map(road => import(road))).then(all => all.every(each => each.status === 'rejected'));
