# Watchers are not told of an end.
set(tests watchers)
set(header detail/announce_tree.hpp)
set(search [==[
                --announced_;
                tell(*node, wake, [&](WatchQueue &queue) { queue.unannounced(path); });]==])
set(replace [==[
                --announced_;]==])
