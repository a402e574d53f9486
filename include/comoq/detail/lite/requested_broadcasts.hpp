#pragma once
#include "../failure.hpp"
#include "../sync.hpp"
#include "../../broadcast.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

namespace comoq::lite::detail {

/// The peer's broadcasts by path: those that it announced, and those that were asked of it without. Threads: any.
class RequestedBroadcasts {
public:
    /// Throws LimitReached if there are `most` others.
    template <class Make> BroadcastConsumer find_or_make(std::string_view path, std::size_t most, Make make) {
        comoq::detail::Lock lock(mutex_);
        const std::string key(path);
        const auto found = broadcasts_.find(key);
        if (found != broadcasts_.end()) {
            auto there = found->second.broadcast.lock();
            if (there != nullptr && !there->closed()) return BroadcastConsumer(std::move(there));
        }
        if (asked_ >= most) comoq::detail::throw_error(make_error_code(Error::LimitReached));
        const BroadcastConsumer made = make();
        set(key, made, false);
        return made;
    }

    void announced(std::string_view path, const BroadcastConsumer &broadcast) {
        comoq::detail::Lock lock(mutex_);
        set(std::string(path), broadcast, true);
    }

    /// Whether it is one of the peer's.
    bool has(std::string_view path, const BroadcastConsumer &broadcast) {
        comoq::detail::Lock lock(mutex_);
        const auto found = broadcasts_.find(std::string(path));
        return found != broadcasts_.end() && found->second.broadcast.lock() == broadcast.state();
    }

    void forget(std::string_view path, const BroadcastConsumer &broadcast) {
        comoq::detail::Lock lock(mutex_);
        const auto found = broadcasts_.find(std::string(path));
        if (found == broadcasts_.end() || found->second.broadcast.lock() != broadcast.state()) return;
        if (found->second.asked_for) --asked_;
        broadcasts_.erase(found);
    }

    /// All that are there end with `code`.
    void abort_all(std::error_code code) {
        std::vector<std::shared_ptr<comoq::detail::BroadcastState>> all;
        {
            comoq::detail::Lock lock(mutex_);
            for (const auto &[path, known] : broadcasts_)
                if (auto there = known.broadcast.lock()) all.push_back(std::move(there));
        }
        for (const auto &broadcast : all) broadcast->close(comoq::detail::failure(code));
    }

private:
    struct Known {
        std::weak_ptr<comoq::detail::BroadcastState> broadcast;
        bool asked_for = false;  // without an announcement
    };

    void set(const std::string &path, const BroadcastConsumer &broadcast, bool announced) {
        auto &known = broadcasts_[path];
        if (known.asked_for && announced) --asked_;
        if (!known.asked_for && !announced) ++asked_;
        known.broadcast = broadcast.state();
        known.asked_for = !announced;
    }

    comoq::detail::Mutex mutex_;
    std::unordered_map<std::string, Known> broadcasts_;
    std::size_t asked_ = 0;  // of those that are asked for
};

}  // namespace comoq::lite::detail
