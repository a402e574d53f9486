#pragma once
#include "proxy_group.hpp"
#include "proxy_upstream.hpp"
#include "usage.hpp"
#include "../track.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/this_coro.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// One track of a proxied broadcast, on the way from upstream. Its coroutines run on one strand.
///
/// A template only so that nobody compiles it who relays nothing, which is most of what includes it: with g++ 12 it is half
/// of what the whole library takes. The tag is always void.
template <class Tag = void> class ProxyTrack {
public:
    /// `given` is kept while somebody subscribes, if anybody still has it then.
    ProxyTrack(std::shared_ptr<ProxyUpstream> upstream, BroadcastConsumer to, std::weak_ptr<BroadcastState> given,
               std::string name)
        : upstream_(std::move(upstream)), to_(std::move(to)), given_(std::move(given)), name_(std::move(name)) {}

    /// Answers a request for the track and serves it until it ends, or until nobody can ask for it any more.
    static asio::awaitable<void> serve(std::shared_ptr<ProxyTrack> self, TrackRequest request) {
        using namespace asio::experimental::awaitable_operators;
        // From now on, so that nobody who waits for a group is refused when the track goes live.
        auto groups = request.dynamic();
        co_await (serve_groups(self, std::move(groups)) || serve_track(self, std::move(request)));
    }

private:
    static asio::awaitable<void> serve_track(std::shared_ptr<ProxyTrack> self, TrackRequest request) {
        using namespace asio::experimental::awaitable_operators;
        // Whoever waits for the track may have let go of the broadcast.
        auto given = self->given_.lock();
        const Answered answered(*self->upstream_);
        TrackInfo info;
        for (std::size_t tried = 1;; ++tried) {
            const auto source = self->upstream_->current();
            auto asked = source.track(self->name_).info().as_tuple();
            auto first = co_await (std::move(asked) || request.abandoned());
            if (first.index() != 0) {
                // Somebody may have come since the last one left.
                if (request.abandoned().ready()) co_return;
                continue;
            }
            const auto &[code, answer] = std::get<0>(first);
            info = answer;
            if (!code && self->upstream_->current() == source) break;
            // Another track has moved all of it elsewhere meanwhile.
            if (!code) continue;
            const auto refusal = code;
            // Each is asked once, unless one was lost.
            if (source.is_closed()) tried = 0;
            BroadcastConsumer next;
            if (tried < std::max<std::size_t>(2, self->upstream_->choices()))
                next = co_await self->upstream_->another_than(source);
            if (next) continue;
            request.reject(refusal);
            co_return;
        }
        self->upstream_->chosen();
        std::optional<TrackProducer> out;
        try {
            out = request.accept(info);
        } catch (const std::system_error &) {
            co_return;
        }
        self->upstream_->answered().set();
        given.reset();
        co_await relay(self, std::move(*out));
    }

    /// Says so when a request has been answered, however that ends.
    class Answered {
    public:
        explicit Answered(ProxyUpstream &upstream) noexcept : upstream_(upstream) {}
        Answered(const Answered &) = delete;
        Answered &operator=(const Answered &) = delete;
        ~Answered() { upstream_.answered().set(); }

    private:
        ProxyUpstream &upstream_;
    };

    static asio::awaitable<void> relay(std::shared_ptr<ProxyTrack> self, TrackProducer out) {
        // After a failure: the first group that has not come yet.
        std::optional<std::uint64_t> rest;
        for (;;) {
            const auto source = self->upstream_->current();
            const bool used = out.subscription().has_value();
            // Nobody can ask for it any more.
            if (!used && self->to_.is_closed()) co_return;
            End end;
            const auto given = used ? self->given_.lock() : nullptr;
            if (used)
                end = co_await relay_while_used(self, source, out, rest);
            else
                end = co_await wait_while_unused(self, source, out);
            if (!end.over) {
                rest.reset();
                continue;
            }
            if (!end.code) co_return;
            rest = out.latest() ? *out.latest() + 1 : 0;
            const auto next = co_await self->upstream_->one_that_knows(source);
            if (!next) {
                out.abort(end.code);
                co_return;
            }
        }
    }

    // How a stretch of relaying ended: the track upstream is over, with a code if it failed, or not, and there is another
    // stretch to come.
    struct End {
        bool over = false;
        std::error_code code;
    };

    /// Waits until somebody subscribes. There is no interest upstream meanwhile, but the end of the track there is its end
    /// here, too.
    static asio::awaitable<End> wait_while_unused(std::shared_ptr<ProxyTrack> self, BroadcastConsumer source,
                                                  TrackProducer out) {
        using namespace asio::experimental::awaitable_operators;
        End end;
        const auto track = source.track(self->name_).live();
        if (track == nullptr) {
            end.over = true;
            end.code = source.is_closed() ? now(source.closed()) : make_error_code(Error::Dropped);
            co_return end;
        }
        auto ended = Operation<std::error_code>(Step(TrackEndRule(track)));
        auto first = co_await (out.used() || std::move(ended) || source.closed() || self->to_.closed());
        if (first.index() == 1) {
            end.over = true;
            end.code = std::get<1>(first);
            std::optional<std::uint64_t> final;
            {
                Lock lock(track->mutex());
                final = track->numbers().final();
            }
            if (!end.code && final) declare_final(out, *final);
        } else if (first.index() == 2) {
            end.over = true;
            end.code = std::get<2>(first);
        }
        co_return end;
    }

    /// The value of an operation that is ready.
    static std::error_code now(Operation<std::error_code> operation) {
        auto awaiter = std::move(operation).operator co_await();
        return awaiter.await_ready() ? awaiter.await_resume() : std::error_code();
    }

    /// Subscribes upstream, and passes everything on until nobody subscribes here, or the track upstream ends.
    static asio::awaitable<End> relay_while_used(std::shared_ptr<ProxyTrack> self, BroadcastConsumer source,
                                                 TrackProducer out, std::optional<std::uint64_t> rest) {
        using namespace asio::experimental::awaitable_operators;
        End end;
        const auto wishes = wanted(out, rest);
        if (!wishes) co_return end;
        auto subscribing = source.track(self->name_).subscribe(*wishes).as_tuple();
        auto subscribed = co_await (std::move(subscribing) || out.unused());
        if (subscribed.index() != 0) co_return end;
        end.code = std::get<0>(std::get<0>(subscribed));
        if (end.code) {
            end.over = true;
            co_return end;
        }
        const auto from = std::make_shared<TrackSubscriber>(std::move(std::get<1>(std::get<0>(subscribed))));
        auto first = co_await (pass_end(self, from, out) || pass_wishes(self, from, out, rest) ||
                               pass_groups(self, from, out) || pass_datagrams(self, from, out) || pass_final(from, out));
        if (first.index() == 0) {
            end.over = true;
            end.code = std::get<0>(first);
        }
        co_return end;
    }

    /// What is wanted upstream, but nothing before `rest`; nothing if nobody wants anything.
    static std::optional<Subscription> wanted(const TrackProducer &out, std::optional<std::uint64_t> rest) {
        auto wishes = out.state()->combined_for_source();
        if (wishes && rest) wishes->start = std::max(wishes->start.value_or(0), *rest);
        return wishes;
    }

    /// Waits for the end of the track upstream, and gives its code.
    static asio::awaitable<std::error_code> pass_end(std::shared_ptr<ProxyTrack> self,
                                                     std::shared_ptr<TrackSubscriber> from, TrackProducer out) {
        const auto executor = co_await asio::this_coro::executor;
        auto [gone, code] = co_await from->closed().as_tuple();
        pass_what_is_there(*self, executor, *from, out);
        if (!code) {
            auto [unfinished, final] = co_await from->finished().as_tuple();
            if (!unfinished) code = declare_final(out, final);
        }
        co_return gone ? gone : code;
    }

    /// Tells upstream what is wanted here, until nobody wants anything.
    static asio::awaitable<void> pass_wishes(std::shared_ptr<ProxyTrack> self, std::shared_ptr<TrackSubscriber> from,
                                             TrackProducer out, std::optional<std::uint64_t> rest) {
        const auto executor = co_await asio::this_coro::executor;
        for (;;) {
            auto [code, wishes] = co_await out.subscription_changed().as_tuple();
            if (code || !wishes) co_return;
            const auto now_wanted = wanted(out, rest);
            if (!now_wanted) co_return;
            from->update(*now_wanted);
            // An earlier start brings groups of a track that may be finished, where nobody waits for more.
            pass_what_is_there(*self, executor, *from, out);
        }
    }

    /// Passes groups on as they come. The end of the groups is not the end of the track: it may stand there finished for a
    /// long time, for whoever comes late.
    static asio::awaitable<void> pass_groups(std::shared_ptr<ProxyTrack> self, std::shared_ptr<TrackSubscriber> from,
                                             TrackProducer out) {
        const auto executor = co_await asio::this_coro::executor;
        for (;;) {
            auto [code, group] = co_await from->recv_group().as_tuple();
            if (code || !group) break;
            pass_group(*self, executor, std::move(*group), out);
        }
        co_await until_unused(out);
    }

    static asio::awaitable<void> pass_datagrams(std::shared_ptr<ProxyTrack> self, std::shared_ptr<TrackSubscriber> from,
                                                TrackProducer out) {
        for (;;) {
            auto [code, datagram] = co_await from->recv_datagram().as_tuple();
            if (code || !datagram) break;
            self->upstream_->gave();
            try {
                out.insert_datagram(std::move(*datagram));
            } catch (const std::system_error &) {
                // A datagram may get lost.
            }
        }
        co_await until_unused(out);
    }

    /// Passes on which number will be the first that never comes, while others may still come.
    static asio::awaitable<void> pass_final(std::shared_ptr<TrackSubscriber> from, TrackProducer out) {
        auto [code, final] = co_await from->finished().as_tuple();
        if (!code) declare_final(out, final);
        co_await until_unused(out);
    }

    static asio::awaitable<void> until_unused(TrackProducer out) {
        [[maybe_unused]] const auto over = co_await out.unused().as_tuple();
    }

    template <class Executor>
    static void pass_what_is_there(ProxyTrack &self, const Executor &executor, TrackSubscriber &from, TrackProducer &out) {
        for (;;) {
            auto awaiter = from.recv_group().as_tuple().operator co_await();
            if (!awaiter.await_ready()) return;
            auto [code, group] = awaiter.await_resume();
            if (code || !group) return;
            pass_group(self, executor, std::move(*group), out);
        }
    }

    /// The copy of a group goes on when nobody subscribes any more: it is there for the next one, whole.
    template <class Executor>
    static void pass_group(ProxyTrack &self, const Executor &executor, GroupConsumer group, TrackProducer &out) {
        self.upstream_->gave();
        std::optional<GroupProducer> copy;
        try {
            copy = out.create_group(group.sequence());
        } catch (const std::system_error &) {
            // What is here already came before, from this source or another; or there is no place for it any more.
            return;
        }
        asio::co_spawn(executor, proxy_group(std::move(group), std::move(*copy)), asio::detached);
    }

    /// The code of a number that cannot be; a false one where it is declared already.
    static std::error_code declare_final(TrackProducer &out, std::uint64_t final) {
        try {
            out.finish_at(final);
        } catch (const std::system_error &error) {
            if (error.code() != Error::Closed) return error.code();
        }
        return {};
    }

    static asio::awaitable<void> serve_groups(std::shared_ptr<ProxyTrack> self, TrackDynamic handler) {
        const auto executor = co_await asio::this_coro::executor;
        while (auto request = co_await handler.requested_group())
            asio::co_spawn(executor, serve_group(self, std::move(*request)), asio::detached);
    }

    static asio::awaitable<void> serve_group(std::shared_ptr<ProxyTrack> self, GroupRequest request) {
        using namespace asio::experimental::awaitable_operators;
        const auto given = self->given_.lock();
        for (;;) {
            Fetch how;
            how.priority = request.priority();
            const auto source = self->upstream_->current();
            auto fetching = source.track(self->name_).fetch_group(request.sequence(), how).as_tuple();
            auto first = co_await (std::move(fetching) || request.abandoned());
            if (first.index() != 0) {
                if (request.abandoned().ready()) co_return;
                continue;
            }
            auto &[code, group] = std::get<0>(first);
            if (!code) {
                self->upstream_->gave();
                std::optional<GroupProducer> copy;
                try {
                    copy = request.accept(group.track_info());
                } catch (const std::system_error &) {
                    co_return;
                }
                co_await proxy_group(std::move(group), std::move(*copy));
                co_return;
            }
            // A refusal is an answer. Only a broadcast that failed leaves the question open.
            const auto refusal = code;
            BroadcastConsumer next;
            if (source.is_closed()) next = co_await self->upstream_->another_than(source);
            if (next) continue;
            request.reject(refusal);
            co_return;
        }
    }

    const std::shared_ptr<ProxyUpstream> upstream_;
    const BroadcastConsumer to_;
    const std::weak_ptr<BroadcastState> given_;
    const std::string name_;
};

}  // namespace comoq::detail
