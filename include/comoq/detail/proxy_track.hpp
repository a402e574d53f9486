#pragma once
#include "proxy_group.hpp"
#include "proxy_upstream.hpp"
#include "../track.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/this_coro.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// One track of a proxied broadcast, on the way from upstream. Its coroutines run on one strand.
class ProxyTrack {
public:
    ProxyTrack(std::shared_ptr<ProxyUpstream> upstream, BroadcastConsumer to, std::string name)
        : upstream_(std::move(upstream)), to_(std::move(to)), name_(std::move(name)) {}

    /// Answers a request for the track and serves it until it ends, or until nobody can ask for it any more.
    static asio::awaitable<void> serve(std::shared_ptr<ProxyTrack> self, TrackRequest request) {
        using namespace asio::experimental::awaitable_operators;
        const auto executor = co_await asio::this_coro::executor;
        // From now on, so that nobody who waits for a group is refused when the track goes live.
        asio::co_spawn(executor, serve_groups(self, request.dynamic()), asio::detached);

        TrackInfo info;
        for (;;) {
            const auto source = self->upstream_->current();
            auto asked = source.track(self->name_).info().as_tuple();
            auto first = co_await (std::move(asked) || request.abandoned());
            if (first.index() != 0) co_return;
            const auto &[code, answer] = std::get<0>(first);
            info = answer;
            if (!code) break;
            if (!source.is_closed()) {
                request.reject(code);
                co_return;
            }
            const auto next = co_await self->upstream_->another_than(source);
            if (next) continue;
            request.reject(code);
            co_return;
        }
        std::optional<TrackProducer> out;
        try {
            out = request.accept(info);
        } catch (const std::system_error &) {
            co_return;
        }
        co_await relay(self, std::move(*out));
    }

private:
    // How a stretch of relaying ended: nobody reads any more, or the upstream track ended, with a code if it failed.
    struct End {
        bool unused = false;
        std::error_code code;
    };

    static asio::awaitable<void> relay(std::shared_ptr<ProxyTrack> self, TrackProducer out) {
        using namespace asio::experimental::awaitable_operators;
        // After a failure: the first group that has not come yet.
        std::optional<std::uint64_t> rest;
        for (;;) {
            const auto source = self->upstream_->current();
            std::error_code code;
            if (out.subscription()) {
                const End end = co_await relay_while_used(self, source, out, rest);
                if (end.unused) continue;
                if (!end.code) co_return;
                code = end.code;
            } else {
                // Nobody reads: no interest upstream, but the end of the broadcast is this track's end, too.
                if (self->to_.is_closed()) co_return;
                auto first = co_await (out.used() || source.closed() || self->to_.closed());
                if (first.index() != 1) continue;
                code = std::get<1>(first);
                if (!code) co_return;
            }
            rest = out.latest() ? *out.latest() + 1 : 0;
            const auto next = co_await self->upstream_->another_than(source);
            if (!next) {
                out.abort(code);
                co_return;
            }
        }
    }

    /// Subscribes upstream, and passes everything on until nobody subscribes here, or the track upstream ends.
    static asio::awaitable<End> relay_while_used(std::shared_ptr<ProxyTrack> self, BroadcastConsumer source,
                                                 TrackProducer out, std::optional<std::uint64_t> rest) {
        using namespace asio::experimental::awaitable_operators;
        End end;
        const auto wishes = out.subscription();
        if (!wishes) {
            end.unused = true;
            co_return end;
        }
        auto subscribing = source.track(self->name_).subscribe(from(rest, *wishes)).as_tuple();
        auto subscribed = co_await (std::move(subscribing) || out.unused());
        if (subscribed.index() != 0) {
            end.unused = true;
            co_return end;
        }
        end.code = std::get<0>(std::get<0>(subscribed));
        if (end.code) co_return end;
        const auto subscriber = std::make_shared<TrackSubscriber>(std::move(std::get<1>(std::get<0>(subscribed))));
        auto first = co_await (pass_groups(self, subscriber, out) || pass_wishes(subscriber, out, rest) ||
                               pass_datagrams(subscriber, out) || pass_final(subscriber, out));
        if (first.index() == 0)
            end.code = std::get<0>(first);
        else
            end.unused = true;
        co_return end;
    }

    /// Passes groups on until the track upstream ends; gives its code.
    static asio::awaitable<std::error_code> pass_groups(std::shared_ptr<ProxyTrack> self,
                                                        std::shared_ptr<TrackSubscriber> from, TrackProducer out) {
        const auto executor = co_await asio::this_coro::executor;
        for (;;) {
            auto [code, group] = co_await from->recv_group().as_tuple();
            if (code) co_return code;
            if (!group) break;
            std::optional<GroupProducer> copy;
            try {
                copy = out.create_group(group->sequence());
            } catch (const std::system_error &error) {
                // What is here already came from this source before, or from another.
                if (error.code() == Error::Duplicate) continue;
                co_return error.code();
            }
            self->upstream_->gave();
            // The copy goes on when nobody subscribes any more: it is there for the next one, whole.
            asio::co_spawn(executor, proxy_group(std::move(*group), std::move(*copy)), asio::detached);
        }
        auto [unfinished, final] = co_await from->finished().as_tuple();
        if (unfinished) co_return unfinished;
        if (const auto refused = declare_final(out, final)) co_return refused;
        // It may stand there finished for a long time, for whoever comes late.
        auto [gone, code] = co_await from->closed().as_tuple();
        co_return gone ? gone : code;
    }

    /// Passes on which number will be the first that never comes, while others may still come.
    static asio::awaitable<void> pass_final(std::shared_ptr<TrackSubscriber> from, TrackProducer out) {
        auto [code, final] = co_await from->finished().as_tuple();
        // What is wrong with it is for `pass_groups` to say, and so is the end of the track.
        if (!code) declare_final(out, final);
        [[maybe_unused]] const auto over = co_await out.unused().as_tuple();
    }

    static std::error_code declare_final(TrackProducer &out, std::uint64_t final) {
        try {
            out.finish_at(final);
        } catch (const std::system_error &error) {
            // Known already.
            if (error.code() != Error::Closed) return error.code();
        }
        return {};
    }

    /// What is wanted, but nothing before `rest`.
    static Subscription from(std::optional<std::uint64_t> rest, Subscription wishes) {
        if (rest) wishes.start = std::max(wishes.start.value_or(0), *rest);
        return wishes;
    }

    /// Tells upstream what is wanted here, until nobody wants anything.
    static asio::awaitable<void> pass_wishes(std::shared_ptr<TrackSubscriber> to, TrackProducer out,
                                             std::optional<std::uint64_t> rest) {
        for (;;) {
            auto [code, wishes] = co_await out.subscription_changed().as_tuple();
            if (code || !wishes) co_return;
            to->update(from(rest, *wishes));
        }
    }

    /// Passes datagrams on, for as long as this is not cancelled.
    static asio::awaitable<void> pass_datagrams(std::shared_ptr<TrackSubscriber> from, TrackProducer out) {
        for (;;) {
            auto [code, datagram] = co_await from->recv_datagram().as_tuple();
            if (code || !datagram) break;
            try {
                out.insert_datagram(std::move(*datagram));
            } catch (const std::system_error &) {
                // A datagram may get lost.
            }
        }
        // The end of the datagrams is not the end of the track: that is for `pass_groups` to say.
        [[maybe_unused]] const auto over = co_await out.unused().as_tuple();
    }

    static asio::awaitable<void> serve_groups(std::shared_ptr<ProxyTrack> self, TrackDynamic handler) {
        const auto executor = co_await asio::this_coro::executor;
        while (auto request = co_await handler.requested_group())
            asio::co_spawn(executor, serve_group(self, std::move(*request)), asio::detached);
    }

    static asio::awaitable<void> serve_group(std::shared_ptr<ProxyTrack> self, GroupRequest request) {
        using namespace asio::experimental::awaitable_operators;
        Fetch how;
        how.priority = request.priority();
        for (;;) {
            const auto source = self->upstream_->current();
            auto fetching = source.track(self->name_).fetch_group(request.sequence(), how).as_tuple();
            auto first = co_await (std::move(fetching) || request.abandoned());
            if (first.index() != 0) co_return;
            auto &[code, group] = std::get<0>(first);
            if (!code) {
                std::optional<GroupProducer> copy;
                try {
                    copy = request.accept(group.track_info());
                } catch (const std::system_error &) {
                    co_return;
                }
                co_await proxy_group(std::move(group), std::move(*copy));
                co_return;
            }
            BroadcastConsumer next;
            if (source.is_closed()) next = co_await self->upstream_->another_than(source);
            if (next) continue;
            request.reject(code);
            co_return;
        }
    }

    const std::shared_ptr<ProxyUpstream> upstream_;
    const BroadcastConsumer to_;
    const std::string name_;
};

}  // namespace comoq::detail
