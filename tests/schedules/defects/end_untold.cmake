# Watchers are not told of an end.
set(found_by "schedules: a watcher knows in the end what is announced, whoever announces and leaves")
set(header detail/origin/announce_tree.hpp)
set(search [==[
            else
                queue.unannounced(path);
            return true;]==])
set(replace [==[
            else if (SEEDED)
                return false;
            else
                queue.unannounced(path);
            return true;]==])
