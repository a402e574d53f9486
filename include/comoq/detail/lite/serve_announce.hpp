#pragma once
#include "session_core.hpp"
#include "stream_reader.hpp"
#include "../../announce.hpp"

#include <asio/awaitable.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace comoq::lite::detail {

/// Tells the peer what is announced below a prefix: what is there at once, then each change, until the peer has had enough
/// or the origin is gone.
class AnnounceServer {
public:
    static asio::awaitable<void> serve(std::shared_ptr<SessionCore> core, AnnounceRequest request, SendStream &stream) {
        const auto &publish = core->config.publish;
        auto view = publish ? publish->with_root(request.prefix) : std::nullopt;
        if (view && request.exclude_hop != 0) view = view->without_hop(request.exclude_hop);
        if (!view) {
            // There is nothing, and there will be nothing: the peer leaves when it likes.
            co_await write(stream, AnnounceOk{core->hop_id(), 0});
            co_await stream.stopped();
            co_return;
        }
        auto watch = view->announced();
        co_await write_first(watch, stream, core->hop_id());
        while (auto change = co_await watch.next()) co_await write(stream, message_of(*change));
    }

private:
    static Announce message_of(const Announcement &change) {
        Announce message;
        message.active = change.event != Announcement::Event::Ended;
        message.suffix = change.path.view();
        if (message.active) message.hops = change.broadcast.info().hops;
        return message;
    }

    /// What is active already, with its number before it.
    static asio::awaitable<void> write_first(AnnounceConsumer &watch, SendStream &stream, std::uint64_t hop_id) {
        std::map<std::string, Announce> active;
        for (auto next = watch.next(); next.ready(); next = watch.next()) {
            auto change = co_await std::move(next);
            if (!change) break;
            Announce message = message_of(*change);
            if (message.active)
                active.insert_or_assign(message.suffix, std::move(message));
            else
                active.erase(message.suffix);
        }
        co_await write(stream, AnnounceOk{hop_id, active.size()});
        for (const auto &[suffix, message] : active) co_await write(stream, message);
    }

    template <class Message> static asio::awaitable<void> write(SendStream &stream, const Message &message) {
        return stream.write(encoded(message));
    }
};

}  // namespace comoq::lite::detail
