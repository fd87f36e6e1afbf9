function only(          ) { return 1; }
function first(            a        , b        ) { return arguments.length; }
function spread(
                        
    ...rest          
) { return rest.length; }
first.call(null       , 1, "b") + only.call(null ) + HERE;
