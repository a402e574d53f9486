// SPDX-License-Identifier: MIT
#pragma once
#include "../wait/sync.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace comoq::detail {

/// The evictable holdings of one origin's tracks, by their last use: the one that was used longest ago goes first,
/// whatever track it is in.
///
/// Using a member does not come here, because that would put one lock under every write: the use takes a stamp, and the
/// member's place here is corrected when its turn comes. The pool's lock is taken inside a track's, and never the other
/// way round.
class MediaPool {
public:
    class Member;

private:
    // Both: a member here may be in its destruction, and then only the address is good, to clear its place.
    struct Entry {
        Member *address = nullptr;
        std::weak_ptr<Member> member;
    };
    using Places = std::multimap<std::uint64_t, Entry>;

public:
    /// An object that holds memory. Made with everything that its place in the pool takes, so that entering it cannot
    /// fail.
    class Member {
    public:
        Member(const Member &) = delete;
        Member &operator=(const Member &) = delete;

        /// Gives up its memory, unless it may not go now. If it was used since `stamp`, it stays, and the call returns
        /// the stamp of that use. Called without a lock.
        virtual std::optional<std::uint64_t> evict(std::uint64_t stamp) noexcept = 0;

    protected:
        Member() {
            Places one;
            spare_ = one.extract(one.emplace(0, Entry()));
        }
        ~Member() = default;

    private:
        friend class MediaPool;
        // Guarded by the pool's lock: the node while it is not in the pool, or the place where it is.
        Places::node_type spare_;
        Places::iterator place_;
    };

    /// The next use. All pools of a process share the count, because one may join another.
    static std::uint64_t stamp() noexcept { return next_.fetch_add(1, std::memory_order_relaxed); }

    /// From now on `member` may be evicted; it was last used at `stamp`. Does nothing if it is here already.
    void add(const std::shared_ptr<Member> &member, std::uint64_t stamp) noexcept {
        Lock lock(mutex_);
        if (joined_ != nullptr) {
            lock.unlock();
            joined_->add(member, stamp);
        } else if (!member->spare_.empty()) {
            insert(member, stamp);
        }
    }

    /// Takes it out again, which every member must do that gave up its memory, or is destroyed.
    void remove(Member &member) noexcept {
        Places::node_type keep;
        Lock lock(mutex_);
        if (joined_ != nullptr) {
            lock.unlock();
            joined_->remove(member);
        } else if (member.spare_.empty()) {
            take_out(member.place_);
        }
    }

    /// Its present and future members are members of `other` from now on. Call it once; `other` joins none.
    void join(MediaPool &other) noexcept {
        Lock lock(mutex_);
        Lock there(other.mutex_);
        joined_ = &other;
        while (!places_.empty()) {
            Member &member = *places_.begin()->second.address;
            member.place_ = other.places_.insert(places_.extract(places_.begin()));
        }
    }

    /// Evicts until `enough()` is true, or no evictable member is left.
    template <class Enough> void trim(Enough enough) noexcept {
        if (enough()) return;
        // A stamp that has to be corrected costs a round, and a writer may make another one necessary meanwhile: two
        // rounds for each present member guarantee an end.
        std::size_t rounds = 0;
        {
            Lock lock(mutex_);
            rounds = 2 * places_.size();
        }
        for (; rounds != 0 && !enough(); --rounds) {
            std::uint64_t stamp = 0;
            std::shared_ptr<Member> oldest;
            {
                Lock lock(mutex_);
                if (places_.empty()) return;
                stamp = places_.begin()->first;
                oldest = take_out(places_.begin());
            }
            if (oldest == nullptr) continue;
            if (const auto used = oldest->evict(stamp)) add(oldest, *used);
        }
    }

    std::size_t size() const noexcept {
        Lock lock(mutex_);
        return places_.size();
    }

private:
    void insert(const std::shared_ptr<Member> &member, std::uint64_t stamp) noexcept {
        member->spare_.key() = stamp;
        member->spare_.mapped().address = member.get();
        member->spare_.mapped().member = member;
        member->place_ = places_.insert(std::move(member->spare_));
    }
    std::shared_ptr<Member> take_out(Places::iterator place) noexcept {
        Member *address = place->second.address;
        auto member = std::exchange(place->second.member, {}).lock();
        address->spare_ = places_.extract(place);
        return member;
    }

    mutable Mutex mutex_;
    static inline Atomic<std::uint64_t> next_{1};
    MediaPool *joined_ = nullptr;
    Places places_;
};

}  // namespace comoq::detail
