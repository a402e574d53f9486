// SPDX-License-Identifier: MIT
/// \file
/// A client at the root `a` that tries by hand to reach something outside it: by every message that names a broadcast, a
/// subscription or a group, over any transport.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <comoq/detail/lite/datagram.hpp>
#include <comoq/origin.hpp>

#include "lite/raw_peer.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"

namespace comoq::test {

using Texts = std::vector<std::string>;

/// The broadcasts that an announce stream has told of, as far as their messages have come; nothing before the first of all,
/// which says how many there are.
inline std::optional<Texts> told_so_far(const Answer &answer) {
    const bool has_types = lite::layout_of(spoken()).announce_ids;
    std::optional<Texts> all;
    std::error_code failure;
    std::span<const std::byte> rest(answer.octets);
    std::uint64_t active = 0;
    while (!rest.empty()) {
        if (all && has_types) rest = rest.subspan(detail::read_varint(rest).value().size);
        const auto framed = lite::next_message(rest, failure);
        if (!framed) break;
        if (!all) {
            active = lite::decode<lite::AnnounceOk>(framed->body, spoken())->active_count;
            all.emplace();
        } else {
            all->push_back(has_types ? lite::decode<lite::AnnounceStart>(framed->body, spoken())->suffix
                                     : lite::decode<lite::Announce>(framed->body, spoken())->suffix);
        }
        rest = rest.subspan(framed->size);
    }
    return all && all->size() >= active ? all : std::nullopt;
}
/// All of them. Throws if they have not come.
inline Texts told(const Answer &answer) { return told_so_far(answer).value(); }

/// A raw peer announces these, on the stream that it was asked for them by.
inline void announce_by(BidiStream &asked, Announcing &announcing, const Texts &paths, asio::io_context &context) {
    Octets octets;
    lite::encode(lite::AnnounceOk{0, paths.size()}, spoken(), octets);
    for (const auto &path : paths) announcing.write(lite::Announce{true, path, {}}, octets);
    asio::co_spawn(context, asked.send->write(Bytes(std::move(octets))), asio::detached);
    settle_down(context);
}

/// Everything that is announced at an origin, in order.
inline Texts announced_at(const Origin &origin) {
    Texts all;
    auto watch = origin.consumer().announced();
    for (auto next = watch.next(); next.ready(); next = watch.next()) all.emplace_back(now(std::move(next))->path.view());
    std::ranges::sort(all);
    return all;
}

/// What is at a server inside and outside the root `a`, and a client there that reaches nothing outside.
class OutsideRoot {
public:
    /// Before the client comes.
    OutsideRoot(asio::io_context &context, const Origin &there) : context_(context), there_(there), handler_(there.producer().dynamic()) {
        // Next to it, above it, and with a name that begins alike.
        for (const auto *path : {"b/x", "x", "ab/x", "b", "a/x"}) {
            broadcasts_.push_back(there.producer().create_broadcast(path));
            tracks_.push_back(broadcasts_.back().producer().create_track("video"));
        }
        watched_ = now(there.consumer().request_broadcast("b/x"));
        viewer_.emplace(wait(watched_.track("video").subscribe()));
        settle_down(context_);
    }

    /// The client, whose SETUP is said. `until(over)` lets time pass until `over()`, and throws if that does not come.
    template <class Until> void is_out_of_reach(const std::shared_ptr<Transport> &transport, RawPeer &peer, Until until) {
        const auto asked = std::make_shared<std::vector<BidiStream>>();
        asio::co_spawn(context_, hold_what_comes(transport, asked), asio::detached);
        settle_down(context_);
        see_nothing(peer, until);
        request_nothing(peer, until);
        until([&] { return asked->size() == 1; });
        publish_nothing(asked->front(), until);
        give_nothing(peer, until);
        // Inside, it is served.
        const auto inside = info(peer, "x");
        until([&] { return inside->over(); });
        CHECK(inside->ended);
        // The streams that this function holds.
        asked->clear();
        settle_down(context_);
    }

private:
    // ANNOUNCE_REQUEST: with prefixes that mean the root, and with others.
    template <class Until> void see_nothing(RawPeer &peer, Until &until) {
        const auto all_told = [&](std::string_view prefix) {
            const auto answer = announce(peer, prefix);
            until([&] { return told_so_far(*answer).has_value(); });
            return told(*answer);
        };
        for (const auto *prefix : {"", "/", "//"}) CHECK(all_told(prefix) == Texts{"x"});
        for (const auto &prefix : elsewhere) {
            INFO(prefix);
            CHECK(all_told(prefix).empty());
            // More streams than these are not served.
            peer.let_go();
        }
    }

    // TRACK, SUBSCRIBE and FETCH: a handler for everything is asked for nothing that is not below the root.
    template <class Until> void request_nothing(RawPeer &peer, Until &until) {
        std::uint64_t id = 1;
        for (const auto &prefix : elsewhere) {
            INFO(prefix);
            std::vector<std::shared_ptr<Answer>> answers;
            for (const auto *name : {"", "/x", "/b/x"}) {
                const auto path = prefix + name;
                answers.push_back(info(peer, path));
                answers.push_back(comoq::test::subscribe(peer, id++, path));
                answers.push_back(peer.ask(opening(lite::BidiStreamType::Fetch, lite::Fetch{path, "video", 0, 0})));
            }
            until([&] {
                for (auto next = handler_.requested_broadcast(); next.ready(); next = handler_.requested_broadcast()) {
                    auto request = now(std::move(next));
                    CHECK(Path(request->path()).has_prefix(Path("a")));
                    request->reject(Error::NotFound);
                }
                return std::ranges::all_of(answers, [](const auto &answer) { return answer->over(); });
            });
            for (const auto &answer : answers) {
                CHECK(answer->code == Error::NotFound);
                CHECK(answer->octets.empty());
            }
        }
        // Not even what would be no path here.
        for (const auto *path : {"b\n", "\xff"}) {
            const auto answer = info(peer, path);
            until([&] { return answer->over(); });
            CHECK(answer->code);
        }
    }

    // Announcing: what it publishes is below the root, and takes nothing over outside.
    template <class Until> void publish_nothing(BidiStream &asked, Until &until) {
        // A path once, however it is written: twice would be a fault.
        Texts once;
        for (const auto &prefix : elsewhere)
            if (std::ranges::find(once, Path(prefix), [](const auto &text) { return Path(text); }) == once.end()) once.push_back(prefix);
        once.push_back("last");
        Announcing announcing;
        announce_by(asked, announcing, once, context_);
        Texts all;
        until([&] {
            all = announced_at(there_);
            return std::ranges::count(all, "a/last") == 1;
        });
        for (const auto &path : all) {
            INFO(path);
            const bool was_there = path == "b/x" || path == "x" || path == "ab/x" || path == "b";
            CHECK((was_there || Path(path).has_prefix(Path("a"))));
        }
        CHECK(now(there_.consumer().request_broadcast("b/x")) == watched_);
    }

    // GROUP and DATAGRAM: for subscriptions that the server never made.
    template <class Until> void give_nothing(RawPeer &peer, Until &until) {
        for (std::uint64_t unknown = 0; unknown < 4; ++unknown) {
            peer.send_uni(opening(lite::UniStreamType::Group, lite::Group{unknown, 7}));
            Octets datagram;
            const Bytes word = payload("word");
            encode(lite::Datagram{unknown, 7, 0, word.span()}, datagram);
            peer.transport().send_datagram(Bytes(std::move(datagram)));
        }
        // What comes behind them is answered.
        const auto behind = info(peer, "x");
        until([&] { return behind->over(); });
        CHECK_FALSE(viewer_->value().recv_group().ready());
        CHECK_FALSE(viewer_->value().recv_datagram().ready());
    }

    const Texts elsewhere{"..",     "../",       "../b",     "/../b",      "b",        "/b",     "../..",       ".",
                          "./b",    "%2e%2e/b",  "..%2fb",   "%2fb",       "a/../b",   "a",      "../a",        "\\..\\b",
                          "..//b/", "b/x/../..", "%252e%2e", "x/../../b/x"};
    asio::io_context &context_;
    const Origin &there_;
    OriginDynamic handler_;
    std::vector<BroadcastPublish> broadcasts_;
    std::vector<TrackProducer> tracks_;
    BroadcastConsumer watched_;
    std::optional<Waiting<TrackSubscriber>> viewer_;
};

}  // namespace comoq::test
