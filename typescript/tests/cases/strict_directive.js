"use strict"
;         
const last    = HERE;
