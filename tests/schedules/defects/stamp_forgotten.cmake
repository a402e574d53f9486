# A group that is used while the pool is about to evict it leaves the pool, and is never evicted.
set(found_by "schedules: what the pool takes from a reader he is told of, and what is used meanwhile is whole")
set(header detail/media/media_pool.hpp)
set(search [==[
            if (const auto used = oldest->evict(stamp)) add(oldest, *used);
]==])
set(replace [==[
            if (const auto used = oldest->evict(stamp); used && !SEEDED) add(oldest, *used);
]==])
