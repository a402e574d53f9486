# A group that was used while the pool was about to evict it is not in the pool any more, and never evicted.
set(tests memory)
set(found_by "schedules: what the pool takes from a reader he is told of, and what is used meanwhile is whole")
set(header detail/media_pool.hpp)
set(search [==[
            if (const auto used = oldest->evict(stamp)) add(oldest, *used);
]==])
set(replace [==[
            oldest->evict(stamp);
]==])
