import a from "a";
import { b,         d as e,                     } from "b";
import {        } from "c";
import {                 } from "d"
;                      
                                   
                           
import type from "h"; import type, { q } from "i"; import { type } from "j"; import { type as r } from "k"; import {         } from "l"; import { type as as } from "m"; import {              } from "n"
;                                                                                   
import * as t from "r"; import u, * as v from "s"; import "t"; import w from "u" with { type: "json" }; import { "x y" as x,                 } from "v";
export { a,         e as f,                   }; export {        };                                                       
export * from "w"; export * as z from "x";                                                     
                                                                                                             
export          class T    {                    } export default          class V { }
                                     export function dd(a     )       { } export async function ee   ()             { return 1      }
export const ff         = 1, gg =    (a   )    => a; export let hh         ;                                                                            
