let a = 0
if (a) type A = 1
else a += 1
for (const b of [1, 2]) type B = typeof b
a += 1
while (false) declare const c: number
a += 1
label: type C = 1
do type D = 1; while (false)
a += 1
if (a !== 4) throw a
HERE;
