const a: {
    b: number    c: string     d: 1 } = 1 as any;
type	A =  1;﻿　const last: A = HERE;
