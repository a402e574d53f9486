# A request stays when nobody wants it any more.
set(tests requests)
set(header detail/request_table.hpp)
set(search [==[
        if (--entry.requesters_ != 0 || entry.settled()) return;]==])
set(replace [==[
        return;]==])
