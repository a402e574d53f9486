#include "web_media.hpp"

#include <comoq/error.hpp>
#include <comoq/frame.hpp>

#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <system_error>
#include <utility>

namespace {

using asio::awaitable;

// After as many the thread does other work: hidden names bring nothing to wait for.
constexpr std::size_t names_at_once = 512;

}  // namespace

awaitable<comoq::GroupConsumer> group_of(comoq::OriginConsumer origin, const WebRoute &route, std::optional<comoq::TrackSubscriber> &held) {
    auto broadcast = co_await origin.request_broadcast(route.path);
    const auto track = broadcast.track(route.track);
    if (route.group) {
        auto fetched = co_await track.fetch_group(*route.group);
        co_return std::move(fetched);
    }
    held = co_await track.subscribe();
    auto newest = co_await held->next_group();
    if (!newest) {
        throw std::system_error(make_error_code(comoq::Error::NotFound));
    }
    co_return std::move(*newest);
}

WebBudget::Share::Share(WebBudget &of, std::uint64_t bytes) : of_(of), bytes_(static_cast<std::int64_t>(bytes)) {
    if ((of_.left_ -= bytes_) < 0) {
        of_.left_ += bytes_;
        throw std::system_error(make_error_code(comoq::Error::LimitReached));
    }
}

awaitable<void> send_group(comoq::GroupConsumer group, WebBody &body, WebBudget &budget) {
    while (auto frame = co_await group.next_frame()) {
        const WebBudget::Share share(budget, frame->size());
        while (auto chunk = co_await frame->read_chunk()) {
            auto adding = body.add(chunk->view());
            co_await std::move(adding);
        }
    }
    auto ending = body.end();
    co_await std::move(ending);
}

awaitable<void> send_announced(comoq::AnnounceConsumer watch, std::string prefix, WebBody &body) {
    std::string text = "{\"prefix\":" + in_json(prefix) + ",\"announced\":[";
    bool is_first = true;
    std::size_t looked_at = 0;
    while (auto next = watch.try_next()) {
        const auto path = next->path.view();
        if (++looked_at % names_at_once == 0) {
            co_await asio::post(asio::use_awaitable);
        }
        if (next->event == comoq::Announcement::Event::Ended || is_hidden_name(path)) {
            continue;
        }
        text.append(std::exchange(is_first, false) ? "" : ",").append(in_json(path));
        if (text.size() >= WebBody::piece_size) {
            auto adding = body.add(text);
            co_await std::move(adding);
            text.clear();
        }
    }
    text += "]}\n";
    auto adding = body.add(text);
    co_await std::move(adding);
    auto ending = body.end();
    co_await std::move(ending);
}
