// SPDX-License-Identifier: MIT
#pragma once
#include "../../operation.hpp"
#include "../../track_producer.hpp"
#include "../session/newest_groups.hpp"
#include "../wait/event.hpp"
#include "joined_group.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>

namespace comoq::ietf::detail {

/// The link between a subscription of this side and its streams, also after its end.
struct SubscriptionTies {
    /// This side has left the subscription: a group that ends then may only seem whole.
    bool left = false;
    std::size_t under_way = 0;
    /// The streams that have ended.
    std::uint64_t ended = 0;
    // One coroutine waits for each: a group has begun, a stream has ended.
    comoq::detail::Event begun, one_more_ended;
};

/// A stream of a subscription that is being received.
class StreamUnderWay {
public:
    explicit StreamUnderWay(std::shared_ptr<SubscriptionTies> ties) noexcept : ties_(std::move(ties)) { ++ties_->under_way; }
    StreamUnderWay(const StreamUnderWay &) = delete;
    StreamUnderWay &operator=(const StreamUnderWay &) = delete;
    ~StreamUnderWay() {
        --ties_->under_way;
        ++ties_->ended;
        ties_->one_more_ended.set();
    }
    bool left() const noexcept { return ties_->left; }

private:
    const std::shared_ptr<SubscriptionTies> ties_;
};

/// This side's subscriptions, by the aliases that the peer's streams and datagrams carry. A stream may come before the answer
/// that says what its alias means: it waits here, with few others, for a short while. Used on one executor.
class AliasTable {
public:
    struct Target {
        TrackProducer track;
        std::weak_ptr<comoq::detail::NewestGroups::Place> newest;
        std::shared_ptr<SubscriptionTies> ties;
        std::shared_ptr<JoinedGroup> joined;
    };

    /// An alias, for as long as the subscription may get streams.
    class Entry {
    public:
        Entry(AliasTable &table, std::uint64_t alias) noexcept : table_(table), alias_(alias) {}
        Entry(const Entry &) = delete;
        Entry &operator=(const Entry &) = delete;
        ~Entry() { table_.targets_.erase(alias_); }

    private:
        AliasTable &table_;
        const std::uint64_t alias_;
    };
    /// Null if the alias is taken.
    std::unique_ptr<Entry> add(std::uint64_t alias, Target target) {
        comoq::detail::Event next;
        auto entry = std::make_unique<Entry>(*this, alias);
        if (targets_.try_emplace(alias, std::move(target)).second) {
            // All that wait have this one: none of them may clear it for the others.
            std::exchange(added_, std::move(next)).set();
            return entry;
        }
        // Its destructor must not take the other one away.
        [[maybe_unused]] auto kept = targets_.extract(alias);
        entry.reset();
        targets_.insert(std::move(kept));
        return nullptr;
    }

    /// Null if there is none, or not yet. Valid until the next wait.
    Target *find(std::uint64_t alias) noexcept {
        const auto found = targets_.find(alias);
        return found == targets_.end() ? nullptr : &found->second;
    }

    /// A stream that waits for its alias.
    class Early {
    public:
        explicit Early(AliasTable &table) noexcept : table_(table) { ++table_.early_; }
        Early(const Early &) = delete;
        Early &operator=(const Early &) = delete;
        ~Early() { --table_.early_; }

    private:
        AliasTable &table_;
    };
    /// The most streams that wait: each holds what its window allows, 64 KiB as a rule.
    static constexpr std::size_t most_early = 64;
    bool has_room_for_early() const noexcept { return early_ < most_early; }
    /// Completes when one more alias is known.
    Operation<void> next_added() const { return added_.wait(); }

private:
    std::unordered_map<std::uint64_t, Target> targets_;
    std::size_t early_ = 0;
    comoq::detail::Event added_;
};

}  // namespace comoq::ietf::detail
