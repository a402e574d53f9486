// SPDX-License-Identifier: MIT
/// \file
/// A session of MoQ Transport whose peer writes messages by hand, and tells hops if it likes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "ietf/hop_relays.hpp"
#include "ietf/raw_scene.hpp"
#include "support/catch.hpp"

namespace comoq::test {

inline constexpr std::uint64_t hop_option = 0x40b54, cost_option = 0x40b56;

/// The session's origin is 1, and the raw peer is 9.
struct HopScene : RawScene {
    using RawScene::RawScene;
    void meet(std::optional<std::uint64_t> hop = 9, std::optional<std::uint64_t> price = {}) {
        connect();
        greet_with(hop, price);
    }
    void greet_with(std::optional<std::uint64_t> hop, std::optional<std::uint64_t> price = {}) {
        ietf::Setup setup;
        if (hop) setup.options.add(hop_option, *hop);
        if (price) setup.options.add(cost_option, *price);
        control = now(raw->open_uni());
        say(setup);
    }
    RawRequest &announce_by(const Hops &hops, std::optional<std::uint64_t> cost = {}, std::string_view space = "x") {
        ietf::PublishNamespace message;
        message.request_id = next_id();
        message.space = {std::string(space)};
        message.parameters.hop_path = hops;
        message.parameters.route_cost = cost;
        return ask(message);
    }
    void reroute(RawRequest &request, std::optional<Hops> hops, std::optional<std::uint64_t> cost = {}) {
        ietf::Parameters parameters;
        parameters.hop_path = std::move(hops);
        parameters.route_cost = cost;
        update(request, parameters);
    }
    /// The peer asks for all namespaces.
    RawRequest &follow() {
        ietf::SubscribeNamespace message;
        message.request_id = next_id();
        return ask(message);
    }
    ietf::ControlMessage last(const RawRequest &request) const { return messages(*request.answer).back(); }
    ietf::NamespaceFound last_found(const RawRequest &request) const {
        const auto message = last(request);
        REQUIRE(std::holds_alternative<ietf::NamespaceFound>(message));
        return std::get<ietf::NamespaceFound>(message);
    }
    BroadcastConsumer here(std::string_view path = "x") { return test::now(origin.consumer().announced_broadcast(path)); }
    std::uint64_t announced() const { return origin.stats().announced; }
    bool ended_by_violation() { return end() == make_error_code(Error::ProtocolViolation); }
};

}  // namespace comoq::test
