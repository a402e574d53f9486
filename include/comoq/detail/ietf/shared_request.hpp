// SPDX-License-Identifier: MIT
#pragma once
#include "message_type.hpp"

#include <cstdint>
#include <deque>

namespace comoq::ietf::detail {

/// A request on a stream that all requests share: what has been said of it.
struct SharedRequest {
    MessageType kind;
    bool is_own;
    bool is_answered = false, is_refused = false;
    /// The peer has ended it, or the session has: by a message, or by its half of the stream.
    bool is_over = false, is_done = false, is_left = false;
    bool is_released = false;
    /// Of the peer's, in the order in which they are answered.
    std::deque<std::uint64_t> updates = {};

    /// This side sends the objects.
    bool publishes() const noexcept { return is_own == (kind == MessageType::Publish); }
    bool is_subscription() const noexcept { return kind == MessageType::Subscribe || kind == MessageType::Publish; }
    bool may_be_answered_by(MessageType type) const noexcept {
        if (type == MessageType::RequestError) return true;
        switch (kind) {
        case MessageType::Subscribe: return type == MessageType::SubscribeOk;
        case MessageType::Fetch: return type == MessageType::FetchOk;
        case MessageType::Publish: return type == MessageType::PublishOk;
        default: return type == MessageType::RequestOk;
        }
    }
    /// By a message of the peer's.
    bool may_be_ended_by(MessageType type) const noexcept {
        switch (type) {
        case MessageType::PublishDone: return is_subscription() && !publishes();
        case MessageType::Unsubscribe: return is_subscription() && publishes();
        case MessageType::FetchCancel: return kind == MessageType::Fetch && !is_own;
        case MessageType::PublishNamespaceDone: return kind == MessageType::PublishNamespace && !is_own;
        default: return kind == MessageType::PublishNamespace && is_own;
        }
    }
};

}  // namespace comoq::ietf::detail
