let count         = 1, names           = [], pair                          = ["x"];
const total                                  = new Map();
var nothing                   = null, big         = 1n, key         = Symbol(), anything     , unsure         ;
const text                = "axb"; const limit         = HERE;
