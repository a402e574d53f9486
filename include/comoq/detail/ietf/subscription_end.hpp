// SPDX-License-Identifier: MIT
#pragma once
#include "../../first_of.hpp"
#include "alias_table.hpp"
#include "session_core.hpp"

#include <asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

namespace comoq::ietf::detail {

// How a subscription of this side ends, whoever has begun it.

/// Reads what the publisher says of it, until it says that it is over, or leaves without a word: `done` is empty then.
inline asio::awaitable<void> until_done(StreamReader &reader, std::optional<PublishDone> &done) {
    while (!done) {
        auto coming = reader.message(StreamKind::Request);
        auto message = co_await std::move(coming);
        if (!message) co_return;
        if (auto *end = std::get_if<PublishDone>(&*message)) {
            done = std::move(*end);
            continue;
        }
        // Answers to updates, and what changes nothing here.
        const bool is_known = std::holds_alternative<RequestOk>(*message) || std::holds_alternative<RequestError>(*message) ||
                              std::holds_alternative<PublishStateNotify>(*message) || std::holds_alternative<Goaway>(*message);
        if (!is_known) reader.refuse(CloseCode::ProtocolViolation);
    }
}

inline asio::awaitable<void> count_streams(std::shared_ptr<SubscriptionTies> ties, std::optional<std::uint64_t> count) {
    while (!count || ties->ended < *count) {
        ties->one_more_ended.clear();
        auto next = ties->one_more_ended.wait();
        co_await std::move(next);
    }
}
/// The end may overtake streams: waits until as many have come as there are, and not for ever.
inline asio::awaitable<void> streams_to_come(std::shared_ptr<SessionCore> core, std::shared_ptr<SubscriptionTies> ties,
                                             std::optional<std::uint64_t> count) {
    auto all = count_streams(std::move(ties), count);
    auto passing = core->sleep(core->config.linger);
    co_await comoq::first_of(std::move(all), std::move(passing));
}

}  // namespace comoq::ietf::detail
