"use strict"
type A = 1
const last: A = HERE;
