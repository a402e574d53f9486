// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace comoq::detail {

/// The broadcasts of which a peer has asked what a track is, and to which it is about to subscribe. Between its two messages
/// nobody else may have such a broadcast: a handler that made it on demand would end it, and be asked again.
///
/// Each question keeps its broadcast until the peer subscribes, for one to two turns at most; beyond `most`, the question that
/// came first is let go. One costs a reference. Turns are the caller's, as time is. Used on one executor.
class AwaitedSources {
public:
    static constexpr std::size_t most = 256;

    /// The peer has asked. True if the caller is to take turns from now on. Without memory nothing changes.
    bool add(const BroadcastConsumer &source) {
        const auto left = questions_.size() == most ? take_at(0) : BroadcastConsumer();
        questions_.push_back({source, true});
        return !std::exchange(takes_turns_, true);
    }
    /// The peer has subscribed to a track of it: that keeps it from now on.
    void subscribed(const BroadcastConsumer &source) noexcept {
        for (std::size_t i = 0; i != questions_.size(); ++i) {
            if (!(questions_[i].source == source)) continue;
            const auto left = take_at(i);
            return;
        }
    }
    /// Lets go of those that were there at the last turn. False if none is left: the next `add` says so.
    bool turn() noexcept {
        while (!questions_.empty() && !questions_.front().is_new) const auto left = take_at(0);
        for (auto &question : questions_) question.is_new = false;
        return takes_turns_ = !questions_.empty();
    }
    /// No more turns are taken.
    void clear() noexcept {
        takes_turns_ = false;
        const auto left = std::exchange(questions_, {});
    }
    std::size_t size() const noexcept { return questions_.size(); }

private:
    struct Question {
        BroadcastConsumer source;
        bool is_new;
    };

    /// The others stay in the order in which they came. The caller lets the broadcast go when nothing changes any more: its end
    /// may come back here.
    BroadcastConsumer take_at(std::size_t place) noexcept {
        auto taken = std::move(questions_[place].source);
        questions_.erase(questions_.begin() + static_cast<std::ptrdiff_t>(place));
        return taken;
    }

    std::vector<Question> questions_;
    bool takes_turns_ = false;
};

}  // namespace comoq::detail
