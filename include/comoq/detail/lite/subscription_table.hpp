// SPDX-License-Identifier: MIT
#pragma once
#include "../session/newest_groups.hpp"
#include "../wait/event.hpp"
#include "../wait/sync.hpp"
#include "../../operation.hpp"
#include "../../track_producer.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>

namespace comoq::lite::detail {

/// This side's subscriptions, by the numbers that the peer's groups carry. Used on one executor.
class SubscriptionTable {
public:
    /// The link between a subscription and its groups, also after its end.
    struct Ties {
        /// This side has left the subscription. A group that ends then may only seem whole: JavaScript peers finish
        /// what they have half sent.
        bool left = false;
        std::size_t under_way = 0;
        comoq::detail::Event came;
    };
    /// The track that a subscription's groups go to.
    struct Target {
        TrackProducer track;
        std::weak_ptr<comoq::detail::NewestGroups::Place> newest;
        std::shared_ptr<Ties> ties = std::make_shared<Ties>();
        /// The peer has said that this number will never come.
        bool has_ended_before(std::uint64_t number) const {
            const comoq::detail::Lock lock(track.state(comoq::detail::Passkey())->mutex());
            return track.state(comoq::detail::Passkey())->numbers().past_final(number);
        }
    };
    /// A group that is being received.
    class Receiving {
    public:
        explicit Receiving(std::shared_ptr<Ties> ties) noexcept : ties_(std::move(ties)) {
            ++ties_->under_way;
            ties_->came.set();
        }
        Receiving(const Receiving &) = delete;
        Receiving &operator=(const Receiving &) = delete;
        ~Receiving() { --ties_->under_way; }
        bool left() const noexcept { return ties_->left; }

    private:
        const std::shared_ptr<Ties> ties_;
    };

    /// A subscription, from before it is requested until it is over.
    class Entry {
    public:
        Entry(SubscriptionTable &table, TrackProducer to, std::weak_ptr<comoq::detail::NewestGroups::Place> newest)
            : table_(table), id_(table.next_++),
              ties_(table.targets_.emplace(id_, Target{std::move(to), std::move(newest)}).first->second.ties) {}
        Entry(const Entry &) = delete;
        Entry &operator=(const Entry &) = delete;
        ~Entry() { table_.targets_.erase(id_); }
        std::uint64_t id() const noexcept { return id_; }
        /// The peer is about to be told that nothing is wanted any more.
        void leave() noexcept { ties_->left = true; }
        bool groups_under_way() const noexcept { return ties_->under_way != 0; }
        /// Every number from `first` on has come, or will never come.
        static bool is_complete(const TrackProducer &track, std::uint64_t first) {
            const comoq::detail::Lock lock(track.state(comoq::detail::Passkey())->mutex());
            return track.state(comoq::detail::Passkey())->numbers().over_from(first);
        }
        /// Completes when one more group has come.
        Operation<void> next_group() {
            ties_->came.clear();
            return ties_->came.wait();
        }

    private:
        SubscriptionTable &table_;
        const std::uint64_t id_;
        const std::shared_ptr<Ties> ties_;
    };

    /// Null if the subscription is over, or never was.
    Target *find(std::uint64_t id) noexcept {
        const auto found = targets_.find(id);
        return found == targets_.end() ? nullptr : &found->second;
    }

private:
    std::unordered_map<std::uint64_t, Target> targets_;
    std::uint64_t next_ = 0;
};

}  // namespace comoq::lite::detail
