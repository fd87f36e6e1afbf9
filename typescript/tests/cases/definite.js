let a         , b         ;
class A { c         ; static d         ;          e       ; #f          }
a = 1; b = a       ; const last = HERE;
