// SPDX-License-Identifier: MIT
#pragma once
#include "../session/announce_feed.hpp"
#include "announcements.hpp"
#include "request_stream.hpp"

#include <asio/awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace comoq::ietf::detail {

/// The peer has tracks below a namespace, until it ends its half of the stream.
inline asio::awaitable<void> serve_publish_namespace(RequestStream::Self request, PublishNamespace asked) {
    const auto peers = request->core->peers_namespaces.lock();
    if (peers == nullptr || !request->core->subscribe) comoq::detail::throw_error(make_error_code(Error::Unauthorized));
    const auto guard = Announcements::begin(peers, asked_path(asked.space));
    auto answered = request->answer(RequestOk());
    co_await std::move(answered);
    auto leaving = RequestStream::until_left(request);
    const auto code = co_await outcome_of(std::move(leaving));
    // Its broadcasts end with the session, and by its code.
    if (request->is_lost()) co_await request->core->ended.wait();
    if (code) comoq::detail::throw_error(code);
    request->send->finish();
}

/// Tells the peer of the namespaces below a prefix: those that there are, and each change.
class NamespaceServer {
public:
    static asio::awaitable<void> serve(RequestStream::Self request, SubscribeNamespace asked) {
        const auto prefix = asked_path(asked.prefix);
        const Prefix claimed(request->core, std::move(asked.prefix));
        auto telling = tell(request, prefix);
        // The end of the peer's half means that it leaves, or nothing.
        const bool ends = request->core->rules().single_subscriptions;
        auto leaving = ends ? RequestStream::until_left(request) : RequestStream::until_unwanted(request);
        co_await comoq::first_of(std::move(telling), std::move(leaving));
        request->send->finish();
    }

private:
    /// Prefixes that the peer asks for at a time do not overlap.
    class Prefix {
    public:
        Prefix(std::shared_ptr<SessionCore> core, Namespace prefix) : core_(std::move(core)), prefix_(std::move(prefix)) {
            for (const Namespace &other : core_->asked_prefixes) {
                const auto both = std::min(other.size(), prefix_.size());
                if (std::equal(other.begin(), other.begin() + static_cast<std::ptrdiff_t>(both), prefix_.begin()))
                    comoq::detail::throw_error(make_code(RequestFault::PrefixOverlap));
            }
            core_->asked_prefixes.push_back(prefix_);
        }
        Prefix(const Prefix &) = delete;
        Prefix &operator=(const Prefix &) = delete;
        ~Prefix() { std::erase(core_->asked_prefixes, prefix_); }

    private:
        const std::shared_ptr<SessionCore> core_;
        const Namespace prefix_;
    };

    static asio::awaitable<void> tell(RequestStream::Self request, std::string prefix) {
        auto &core = *request->core;
        auto view = core.publish ? core.publish->with_root(prefix) : std::nullopt;
        if (view) view = view->without_hop(core.via);
        if (!view) {
            // Nothing is announced there, now or later: the peer leaves when it likes.
            auto answered = request->answer(RequestOk());
            co_await std::move(answered);
            co_await RequestStream::until_stopped(request);
            co_return;
        }
        const auto follower = core.announcements.follow(*view, core.config.announce_hidden);
        auto answered = request->answer(RequestOk());
        co_await std::move(answered);
        const auto root = view->root();
        std::set<std::string, std::less<>> told;
        while (true) {
            auto coming = follower.next();
            auto batch = co_await std::move(coming);
            if (batch.ended) co_return;
            std::vector<std::byte> octets;
            for (const auto &change : batch.told) tell(core, change, root.view(), told, octets);
            if (octets.empty()) continue;
            batch.told.clear();
            auto written = request->send->write(Bytes(std::move(octets)));
            co_await std::move(written);
        }
    }
    /// `told` are the paths that the peer knows: of others it is not told that they end. As many as `max_told` have room.
    static void tell(const SessionCore &core, const comoq::detail::AnnounceFeed::Told &change, std::string_view root,
                     std::set<std::string, std::less<>> &told, std::vector<std::byte> &octets) {
        const std::string_view below = *comoq::detail::strip_prefix(*change.path, root);
        auto suffix = namespace_of(below);
        // A path that no namespace has.
        if (!suffix) return;
        const auto found = told.find(below);
        const bool is_known = found != told.end();
        // Another broadcast in place of one is a new one; another route to the same one changes nothing.
        const bool is_replaced = change.active && is_known && change.change && !change.change->in_place;
        if (is_known && (!change.active || is_replaced)) {
            encode(NamespaceDone{*suffix}, core.draft(), StreamKind::Request, octets);
            if (!change.active) told.erase(found);
        }
        if (!change.active || (is_known && !is_replaced)) return;
        if (!is_known) {
            if (told.size() >= core.config.max_told) return;
            told.emplace(below);
        }
        encode(NamespaceFound{std::move(*suffix)}, core.draft(), StreamKind::Request, octets);
    }
};

/// Asks the peer for the namespaces below a prefix, which are announced here until it says otherwise, or stops. A peer that does
/// not answer such questions does not end the session.
class NamespaceFollower {
public:
    static asio::awaitable<void> follow(std::shared_ptr<SessionCore> core, std::string prefix) {
        const auto peers = core->peers_namespaces.lock();
        auto space = namespace_of(prefix);
        if (peers == nullptr || !space) co_return;
        SubscribeNamespace message;
        message.prefix = std::move(*space);
        auto asked = detail::ask(core, std::move(message));
        auto stream = co_await std::move(asked);
        StreamReader reader(std::move(stream.receive), core->draft());
        // Empty for one that has no place here.
        std::map<std::string, std::optional<Announcements::Guard>> known;
        auto following = follow_answers(core, peers, reader, prefix, known);
        [[maybe_unused]] const auto code = co_await outcome_of(std::move(following));
        // They end with the session, and by its code.
        if (reader.is_lost()) co_await core->ended.wait();
        core->look_at(reader, "SUBSCRIBE_NAMESPACE");
    }

private:
    static asio::awaitable<void> follow_answers(std::shared_ptr<SessionCore> core, std::shared_ptr<Announcements> peers,
                                                StreamReader &reader, std::string prefix,
                                                std::map<std::string, std::optional<Announcements::Guard>> &known) {
        auto answering = answer_of<RequestOk>(reader);
        [[maybe_unused]] const auto ok = co_await std::move(answering);
        while (true) {
            auto coming = reader.message(StreamKind::Request);
            auto message = co_await std::move(coming);
            if (!message) co_return;
            if (const auto *found = std::get_if<NamespaceFound>(&*message)) {
                const auto path = path_below(prefix, found->suffix);
                // A second time is an update, of which nothing is known here.
                if (!path || known.contains(*path)) continue;
                // As many again as have a place, with a few for a session that takes none.
                if (known.size() >= 2 * core->config.max_announced + 64) continue;
                auto &place = known[*path];
                try {
                    place.emplace(Announcements::begin(peers, *path));
                } catch (const std::system_error &) {
                    // Outside of what the peer may publish, or one too many.
                }
            } else if (const auto *done = std::get_if<NamespaceDone>(&*message)) {
                const auto path = path_below(prefix, done->suffix);
                if (path) known.erase(*path);
            } else {
                reader.refuse(CloseCode::ProtocolViolation);
            }
        }
    }
    static std::optional<std::string> path_below(const std::string &prefix, const Namespace &suffix) {
        auto below = path_of(suffix);
        if (!below || prefix.empty() || below->empty()) return below ? std::optional(prefix + *below) : std::nullopt;
        return prefix + '/' + *below;
    }
};

/// Tells the peer, without its asking, of each broadcast that is announced here: a client does, because a server may only learn
/// of them in that way. Each takes a stream, so that it is at most `most`, and only those that the peer does not ask for.
class NamespacePublisher {
public:
    static constexpr std::size_t most = 64;

    static asio::awaitable<void> publish(std::shared_ptr<SessionCore> core) {
        const auto &publish = core->publish;
        if (!publish) co_return;
        const auto view = publish->without_hop(core->via);
        auto follower = core->announcements.follow(view, core->config.announce_hidden);
        const auto root = view.root();
        std::map<std::string, std::shared_ptr<comoq::detail::Event>, std::less<>> told;
        while (true) {
            auto coming = follower.next();
            auto batch = co_await std::move(coming);
            if (batch.ended) co_return;
            for (const auto &change : batch.told) {
                const std::string below(*comoq::detail::strip_prefix(*change.path, root.view()));
                const auto found = told.find(below);
                if (!change.active) {
                    if (found == told.end()) continue;
                    found->second->set();
                    told.erase(found);
                    continue;
                }
                auto space = namespace_of(below);
                if (found != told.end() || told.size() >= most || !space) continue;
                const auto ended = told[below] = std::make_shared<comoq::detail::Event>();
                core->spawn(publish_one(core, std::move(*space), ended));
            }
        }
    }

private:
    static asio::awaitable<void> publish_one(std::shared_ptr<SessionCore> core, Namespace space,
                                             std::shared_ptr<comoq::detail::Event> ended) {
        PublishNamespace message;
        message.space = std::move(space);
        auto asked = detail::ask(core, std::move(message));
        auto stream = co_await std::move(asked);
        StreamReader reader(std::move(stream.receive), core->draft());
        auto following = follow(reader);
        auto ending = ended->wait();
        auto outcome = outcome_of(std::move(following));
        co_await comoq::first_of(std::move(outcome), std::move(ending));
        core->look_at(reader, "PUBLISH_NAMESPACE");
        stream.send->finish();
    }
    /// Runs until the peer wants no more of it.
    static asio::awaitable<void> follow(StreamReader &reader) {
        auto answering = answer_of<RequestOk>(reader);
        [[maybe_unused]] const auto ok = co_await std::move(answering);
        auto ending = reader.expect_end();
        co_await std::move(ending);
    }
};

}  // namespace comoq::ietf::detail
