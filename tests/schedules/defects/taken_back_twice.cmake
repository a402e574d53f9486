# Who was claimed is taken out of the list as well.
set(tests requests)
set(header detail/waiter.hpp)
set(search [==[
        if (!waiter.linked_) return false;
]==])
set(replace [==[
]==])
