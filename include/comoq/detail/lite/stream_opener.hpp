#pragma once
#include "../event.hpp"
#include "../send_schedule.hpp"
#include "../../transport.hpp"

#include <asio/awaitable.hpp>

#include <list>
#include <memory>
#include <utility>
#include <vector>

namespace comoq::lite::detail {

/// Opens the streams of groups. When the peer allows no more of them for a while, the most urgent group gets the next one,
/// however late it came.
class StreamOpener {
public:
    explicit StreamOpener(Transport &transport) noexcept : transport_(transport) {}
    StreamOpener(const StreamOpener &) = delete;
    StreamOpener &operator=(const StreamOpener &) = delete;

    /// Opens a stream for who asks by `open`. It ends when the transport does, with its code.
    asio::awaitable<void> run() {
        while (true) {
            co_await asked_.wait();
            asked_.clear();
            while (most_urgent() != places_.end()) offer(co_await transport_.open_uni());
        }
    }

    /// `order` is looked at until there is a stream: it may change meanwhile.
    asio::awaitable<std::unique_ptr<SendStream>> open(const SendOrder &order) {
        Turn turn(*this, order);
        if (!spare_.empty()) {
            turn.place->stream = std::move(spare_.back());
            spare_.pop_back();
        } else {
            asked_.set();
            co_await turn.place->given.wait();
        }
        turn.place->stream->set_order(order);
        co_return std::move(turn.place->stream);
    }

private:
    struct Place {
        explicit Place(const SendOrder &wanted) noexcept : order(wanted) {}
        const SendOrder &order;
        std::unique_ptr<SendStream> stream;
        comoq::detail::Event given;
    };
    /// A place in the queue, for as long as somebody waits there.
    struct Turn {
        Turn(StreamOpener &of, const SendOrder &order) : opener(of), place(of.places_.emplace(of.places_.end(), order)) {}
        Turn(const Turn &) = delete;
        Turn &operator=(const Turn &) = delete;
        ~Turn() {
            auto not_used = std::move(place->stream);
            opener.places_.erase(place);
            if (not_used != nullptr) opener.offer(std::move(not_used));
        }
        StreamOpener &opener;
        const std::list<Place>::iterator place;
    };

    void offer(std::unique_ptr<SendStream> stream) {
        const auto best = most_urgent();
        if (best == places_.end()) {
            spare_.push_back(std::move(stream));
            return;
        }
        best->stream = std::move(stream);
        best->given.set();
    }

    std::list<Place>::iterator most_urgent() {
        auto best = places_.end();
        for (auto place = places_.begin(); place != places_.end(); ++place) {
            if (place->stream != nullptr) continue;
            if (best == places_.end() || comoq::detail::goes_before(place->order, best->order)) best = place;
        }
        return best;
    }

    Transport &transport_;
    std::list<Place> places_;
    // Opened for somebody who left.
    std::vector<std::unique_ptr<SendStream>> spare_;
    comoq::detail::Event asked_;
};

}  // namespace comoq::lite::detail
