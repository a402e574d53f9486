#include <comoq/detail/media/media_pool.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/seed.hpp"

namespace media_pool_tests {

using comoq::detail::MediaPool;
using namespace comoq::test;

namespace {

/// Holds one unit of memory until it is evicted.
class Holder final : public MediaPool::Member {
public:
    Holder(MediaPool &pool, std::size_t &held) : pool_(pool), held_(held) { ++held_; }
    ~Holder() {
        pool_.remove(*this);
        give_up();
    }

    std::optional<std::uint64_t> evict(std::uint64_t stamp) noexcept override {
        ++asked;
        if (stamp != used) {
            return used;
        }
        if (!pinned) {
            give_up();
        }
        return std::nullopt;
    }
    void use() { used = pool_.stamp(); }
    bool gone() const { return gone_; }

    std::uint64_t used = 0;
    bool pinned = false;
    int asked = 0;

private:
    void give_up() {
        if (!gone_) {
            gone_ = true;
            --held_;
        }
    }
    MediaPool &pool_;
    std::size_t &held_;
    bool gone_ = false;
};

struct Scene {
    std::shared_ptr<Holder> make() {
        auto holder = std::make_shared<Holder>(pool, held);
        holder->use();
        pool.add(holder, holder->used);
        return holder;
    }
    void trim(std::size_t most) {
        pool.trim([&] { return held <= most; });
    }

    MediaPool pool;
    std::size_t held = 0;
};

}  // namespace

TEST_CASE("section 6 memory: the pool evicts the member whose last use was longest ago", "[media_pool]") {
    Scene scene;
    auto a = scene.make(), b = scene.make(), c = scene.make();
    a->use();
    scene.trim(2);
    CHECK(b->gone());
    scene.trim(1);
    CHECK(c->gone());
    CHECK_FALSE(a->gone());
    CHECK(scene.pool.size() == 1);
}

TEST_CASE("section 6 memory: the pool evicts nothing while it is within its bound", "[media_pool]") {
    Scene scene;
    auto a = scene.make();
    scene.trim(1);
    CHECK(a->asked == 0);
}

TEST_CASE("section 6 memory: a member that may not be evicted leaves the pool, and can be entered again", "[media_pool]") {
    Scene scene;
    auto a = scene.make(), b = scene.make();
    a->pinned = true;
    scene.trim(0);
    CHECK_FALSE(a->gone());
    CHECK(b->gone());
    CHECK(scene.pool.size() == 0);
    a->pinned = false;
    scene.pool.add(a, a->used);
    scene.pool.add(a, a->used);
    CHECK(scene.pool.size() == 1);
    scene.trim(0);
    CHECK(a->gone());
}

TEST_CASE("section 6 memory: a destroyed member leaves the pool", "[media_pool]") {
    Scene scene;
    auto a = scene.make(), b = scene.make();
    a.reset();
    CHECK(scene.pool.size() == 1);
    scene.pool.remove(*b);
    scene.pool.remove(*b);
    CHECK(scene.pool.size() == 0);
}

TEST_CASE("section 7: trimming ends even if a writer never pauses", "[media_pool]") {
    Scene scene;
    struct Restless final : MediaPool::Member {
        explicit Restless(MediaPool &in) : pool(in) {}
        ~Restless() { pool.remove(*this); }
        std::optional<std::uint64_t> evict(std::uint64_t) noexcept override { return pool.stamp(); }
        MediaPool &pool;
    };
    const auto restless = std::make_shared<Restless>(scene.pool);
    scene.pool.add(restless, scene.pool.stamp());
    scene.pool.trim([] { return false; });
    CHECK(scene.pool.size() == 1);
}

TEST_CASE("section 6 memory: entering the pool and leaving it allocates nothing", "[media_pool]") {
    Scene scene;
    auto a = scene.make(), b = scene.make();
    scene.pool.remove(*a);
    const AllocationCount count;
    scene.pool.add(a, a->used);
    b->use();
    a->use();
    scene.trim(1);
    const auto made = count.made();
    CHECK(made == 0);
    CHECK(b->gone());
}

TEST_CASE("section 2 threads: members are used, evicted and destroyed on threads of their own", "[media_pool][stress]") {
    const auto seed = comoq::test::seed("media_pool");
    MediaPool pool;
    struct Member final : MediaPool::Member {
        explicit Member(MediaPool &in) : pool(in), used(in.stamp()) {}
        ~Member() { pool.remove(*this); }
        std::optional<std::uint64_t> evict(std::uint64_t stamp) noexcept override {
            const auto last = used.load();
            return last == stamp ? std::nullopt : std::optional(last);
        }
        MediaPool &pool;
        std::atomic<std::uint64_t> used;
    };
    std::vector<std::thread> threads;
    for (unsigned thread = 0; thread < 3; ++thread) {
        threads.emplace_back([&pool, random = std::mt19937_64(seed + thread)]() mutable {
            std::vector<std::shared_ptr<Member>> members(20);
            for (int step = 0; step < 5000; ++step) {
                auto &member = members[random() % members.size()];
                switch (random() % 4) {
                case 0:
                    member = std::make_shared<Member>(pool);
                    break;
                case 1:
                    if (member != nullptr) {
                        member->used = pool.stamp();
                    }
                    break;
                case 2:
                    if (member != nullptr) {
                        pool.add(member, member->used);
                    }
                    break;
                default:
                    pool.trim([&pool] { return pool.size() < 10; });
                }
            }
        });
    }
    for (auto &thread : threads) {
        thread.join();
    }
    CHECK(pool.size() == 0);
}

}
