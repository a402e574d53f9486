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
class PeersNamespace {
public:
    static asio::awaitable<void> serve(RequestStream::Self request, PublishNamespace asked) {
        const SessionCore &core = *request->core;
        check_route(core, &asked.parameters, request->reader);
        PeersNamespace self(request, asked_path(asked.space), std::move(asked.parameters));
        if (self.peers_ == nullptr || !core.subscribe) comoq::detail::throw_error(make_error_code(Error::Unauthorized));
        self.begin();
        auto answered = request->answer(RequestOk());
        co_await std::move(answered);
        auto leaving = RequestStream::until_left(request, self.follow());
        const auto code = co_await outcome_of(std::move(leaving));
        // Its broadcasts end with the session, and by its code.
        if (request->is_lost()) co_await request->core->ended.wait();
        if (code) comoq::detail::throw_error(code);
        request->send->finish();
    }

private:
    PeersNamespace(RequestStream::Self request, std::string path, Parameters parameters)
        : request_(std::move(request)), peers_(request_->core->peers_namespaces.lock()), path_(std::move(path)),
          hops_(std::move(parameters.hop_path)), cost_(parameters.route_cost) {
        request_->takes_routes = hops_.has_value();
    }

    void begin() {
        try {
            announce();
        } catch (const std::system_error &error) {
            if (error.code() == Error::RoutingLoop) comoq::detail::throw_error(make_code(RequestFault::Uninterested));
            throw;
        }
    }
    void announce() { Announcements::announce(guard_, peers_, path_, given_route(*request_->core, hops_, cost_)); }
    /// What an update does not name stays. A namespace whose route leads through here is left, until another route is told.
    asio::awaitable<void> follow() {
        while (true) {
            auto coming = request_->next_update();
            auto update = co_await std::move(coming);
            if (!update) co_return;
            const bool changes = has_route(update->parameters);
            if (changes) take(std::move(update->parameters));
            const SessionCore &core = *request_->core;
            auto written = request_->send->write(changes ? core.encoded(RequestOk()) : core.encoded(RequestStream::refused_update()));
            co_await std::move(written);
        }
    }
    void take(Parameters &&told) {
        if (told.hop_path) hops_ = std::move(told.hop_path);
        if (told.route_cost) cost_ = told.route_cost;
        try {
            announce();
        } catch (const std::system_error &error) {
            guard_.reset();
            if (error.code() != Error::RoutingLoop && error.code() != Error::BoundsExceeded) throw;
        }
    }

    const RequestStream::Self request_;
    const std::shared_ptr<Announcements> peers_;
    const std::string path_;
    std::optional<HopPath> hops_;
    std::optional<std::uint64_t> cost_;
    std::optional<Announcements::Guard> guard_;
};

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
        if (view) view = view->without_hop(core.via).without_hop(core.peer_hop().value_or(0));
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
    static void tell(SessionCore &core, const comoq::detail::AnnounceFeed::Told &change, std::string_view root,
                     std::set<std::string, std::less<>> &told, std::vector<std::byte> &octets) {
        const std::string_view below = *comoq::detail::strip_prefix(*change.path, root);
        auto suffix = namespace_of(below);
        // A path that no namespace has.
        if (!suffix) return;
        const bool tells_hops = core.tells_hops();
        auto route = told_of(core, change);
        const bool is_there = route.has_value();
        const auto found = told.find(below);
        const bool is_known = found != told.end();
        // Another broadcast in place of one is a new one. A peer that tells hops sees whether it has another publisher, and goes on
        // with what it has of the same one's: unless it has asked for it.
        const bool is_another = change.change && !change.change->in_place &&
                                (!tells_hops || (change.change->same_publisher() && core.asked.may_contain(*change.path)));
        const bool is_replaced = is_there && is_known && is_another;
        if (is_known && (!is_there || is_replaced)) {
            encode(NamespaceDone{*suffix}, core.draft(), StreamKind::Request, octets);
            ++core.announcements_told;
            if (!is_there) told.erase(found);
        }
        if (!is_there) return;
        if (is_known && !is_replaced) {
            // Another route to it, of which the others are not told.
            if (!tells_hops || (change.change && change.change->same_hops() && change.change->same_cost())) return;
        } else if (!is_known) {
            if (told.size() >= core.config.max_told) return;
            told.emplace(below);
        }
        if (!tells_hops) route.reset();
        encode(NamespaceFound{std::move(*suffix), std::move(route)}, core.draft(), StreamKind::Request, octets);
        ++core.announcements_told;
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
        // It says whether the peer tells hops.
        auto greeting = core->setup.wait();
        [[maybe_unused]] const auto setup = co_await std::move(greeting);
        while (true) {
            auto coming = reader.message(StreamKind::Request);
            auto message = co_await std::move(coming);
            if (!message) co_return;
            if (const auto *found = std::get_if<NamespaceFound>(&*message)) {
                if (found->parameters.has_value() != core->tells_hops()) reader.refuse(CloseCode::ProtocolViolation);
                if (found->parameters) check_route(*core, &*found->parameters, reader);
                if (const auto path = path_below(prefix, found->suffix)) take(core, peers, *path, found->parameters, known);
            } else if (const auto *done = std::get_if<NamespaceDone>(&*message)) {
                const auto path = path_below(prefix, done->suffix);
                if (path) known.erase(*path);
            } else {
                reader.refuse(CloseCode::ProtocolViolation);
            }
        }
    }
    /// A second time is an update, for which there has to be a route.
    static void take(const std::shared_ptr<SessionCore> &core, const std::shared_ptr<Announcements> &peers, const std::string &path,
                     const std::optional<Parameters> &told, std::map<std::string, std::optional<Announcements::Guard>> &known) {
        auto place = known.find(path);
        if (place == known.end()) {
            // As many again as have a place, with a few for a session that takes none.
            if (known.size() >= 2 * core->config.max_announced + 64) return;
            place = known.try_emplace(path).first;
        } else if (!told || (!place->second && !core->has_room_for_announcement())) {
            // One that was left out, and counted, stays so.
            return;
        }
        auto &guard = place->second;
        try {
            Announcements::announce(guard, peers, path, told ? given_route(*core, told->hop_path, told->route_cost) : std::nullopt);
        } catch (const std::system_error &) {
            // Outside of what the peer may publish, one too many, or by a route through here.
            guard.reset();
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
        const auto view = publish->without_hop(core->via).without_hop(core->peer_hop().value_or(0));
        auto follower = core->announcements.follow(view, core->config.announce_hidden);
        const auto root = view.root();
        std::map<std::string, std::shared_ptr<Told>, std::less<>> told;
        while (true) {
            auto coming = follower.next();
            auto batch = co_await std::move(coming);
            if (batch.ended) co_return;
            for (const auto &change : batch.told) {
                const std::string below(*comoq::detail::strip_prefix(*change.path, root.view()));
                tell(core, below, change, told);
            }
        }
    }

private:
    /// One that the peer is told, with the route that it is to know.
    struct Told {
        comoq::detail::Event ended, changed, answered;
        Parameters route;
        bool is_answered = false;
    };

    static void tell(const std::shared_ptr<SessionCore> &core, const std::string &below,
                     const comoq::detail::AnnounceFeed::Told &change, std::map<std::string, std::shared_ptr<Told>, std::less<>> &told) {
        auto route = told_of(*core, change);
        const auto found = told.find(below);
        if (!route) {
            if (found == told.end()) return;
            found->second->ended.set();
            told.erase(found);
            return;
        }
        if (found != told.end()) {
            if (*route == found->second->route) return;
            found->second->route = std::move(*route);
            found->second->changed.set();
            return;
        }
        auto space = namespace_of(below);
        if (told.size() >= most || !space) return;
        const auto one = told[below] = std::make_shared<Told>();
        one->route = std::move(*route);
        core->spawn(publish_one(core, std::move(*space), one));
    }
    static asio::awaitable<void> publish_one(std::shared_ptr<SessionCore> core, Namespace space, std::shared_ptr<Told> told) {
        PublishNamespace message;
        message.space = std::move(space);
        message.parameters = told->route;
        auto held = told->route;
        auto asked = detail::ask(core, std::move(message));
        auto stream = co_await std::move(asked);
        ++core->announcements_told;
        StreamReader reader(std::move(stream.receive), core->draft());
        auto following = follow(reader, *told);
        auto updating = update(core, *stream.send, told, std::move(held));
        auto ending = told->ended.wait();
        auto outcome = outcome_of(std::move(following));
        auto updated = outcome_of(std::move(updating));
        co_await comoq::first_of(std::move(outcome), std::move(updated), std::move(ending));
        core->look_at(reader, "PUBLISH_NAMESPACE");
        if (told->ended.is_set()) ++core->announcements_told;
        stream.send->finish();
    }
    /// Runs until the peer wants no more of it. Each request, and each update, has one answer.
    static asio::awaitable<void> follow(StreamReader &reader, Told &told) {
        while (true) {
            auto coming = reader.message(StreamKind::Request);
            auto message = co_await std::move(coming);
            if (!message) co_return;
            [[maybe_unused]] const auto ok = yes_of<RequestOk>(reader, std::move(message));
            if (std::exchange(told.is_answered, true)) reader.refuse(CloseCode::ProtocolViolation);
            told.answered.set();
        }
    }
    /// Tells the peer of each other route: what has changed, and one after the other.
    static asio::awaitable<void> update(std::shared_ptr<SessionCore> core, SendStream &send, std::shared_ptr<Told> told,
                                        Parameters held) {
        while (true) {
            auto answered = told->answered.wait();
            co_await std::move(answered);
            auto changed = told->changed.wait();
            co_await std::move(changed);
            told->changed.clear();
            RequestUpdate message;
            const auto cost = told->route.route_cost.value_or(0);
            if (told->route.hop_path != held.hop_path) message.parameters.hop_path = told->route.hop_path;
            if (cost != held.route_cost.value_or(0)) message.parameters.route_cost = cost;
            if (!has_route(message.parameters)) continue;
            held = told->route;
            message.request_id = core->request_ids.next();
            told->is_answered = false;
            told->answered.clear();
            ++core->announcements_told;
            auto written = send.write(core->encoded(message));
            co_await std::move(written);
        }
    }
};

}  // namespace comoq::ietf::detail
