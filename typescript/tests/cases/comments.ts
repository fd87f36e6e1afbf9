const a /* 1 */ : /* 2 */ number /* 3 */ = /* 4 */ 1 /* 5 */ as /* 6 */ any /* 7 */; // 8: string
/** doc */ interface A /* 9 */ { /* 10 */ } // 11
function f(/* 12 */ a /* 13 */ ?: /* 14 */ string /* 15 */): /* 16 */ void /* 17 */ { }
const b = (x /* 18 */): number /* 19 */ => x, c = f /* 20 */ < /* 21 */ string > /* 22 */ ("");
const d: number = HERE;
