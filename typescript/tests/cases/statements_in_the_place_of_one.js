let a = 0
if (a) ;         
else a += 1
for (const b of [1, 2]) ;                
a += 1
while (false) ;                      
a += 1
label: ;         
do ;           while (false)
a += 1
if (a !== 4) throw a
HERE;
