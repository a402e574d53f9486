// SPDX-License-Identifier: MIT
#pragma once
#include "../../bytes.hpp"
#include "../stream/stream_rules.hpp"

#include <cstdint>
#include <memory>
#include <utility>

namespace comoq::ietf::detail {

using comoq::detail::Outcome;
using comoq::detail::WaitList;

// The waits of those who move the messages of a shared stream, as rules for Step.

/// There are bytes for the peer, or something has failed.
template <class Shared> class OutputRule : public comoq::detail::ConnectionRule<Shared> {
public:
    using value_type = Bytes;
    using comoq::detail::ConnectionRule<Shared>::ConnectionRule;
    WaitList &waits() const noexcept { return this->connection_->output_waits(); }
    bool available() const noexcept { return this->connection_->has_output(); }
    Outcome<Bytes> take() { return this->connection_->take_output(); }
};

/// The session has read enough for more.
template <class Shared> class RoomRule : public comoq::detail::ConnectionRule<Shared> {
public:
    using value_type = void;
    using comoq::detail::ConnectionRule<Shared>::ConnectionRule;
    WaitList &waits() const noexcept { return this->connection_->room_waits(); }
    bool available() const noexcept { return this->connection_->has_room(); }
    Outcome<void> take() { return this->connection_->failure(); }
};

/// One more request may be made: by the one that has waited longest, so that a peer that allows one of very many wakes one. Returns
/// its halves.
template <class Shared> class RequestRule : public comoq::detail::ConnectionRule<Shared> {
public:
    using value_type = typename Shared::Halves;
    using comoq::detail::ConnectionRule<Shared>::ConnectionRule;
    WaitList &waits() const noexcept { return this->connection_->request_waits(); }
    bool available() const noexcept { return this->connection_->may_open_now(Shared::Kind::Bidi); }
    Outcome<value_type> take() { return this->connection_->open_now(Shared::Kind::Bidi); }
    void pass_on(comoq::detail::WakeList &wake) const noexcept {
        if (available()) wake.take_one(waits());
    }
};

/// The peer allows that number of a request.
template <class Shared> class AllowedRule : public comoq::detail::ConnectionRule<Shared> {
public:
    using value_type = void;
    AllowedRule(std::shared_ptr<Shared> shared, std::uint64_t id) noexcept
        : comoq::detail::ConnectionRule<Shared>(std::move(shared)), id_(id) {}
    WaitList &waits() const noexcept { return this->connection_->open_waits(Shared::Kind::Bidi); }
    bool available() const noexcept { return this->connection_->is_allowed(id_); }
    Outcome<void> take() { return this->connection_->failure(); }

private:
    std::uint64_t id_;
};

}  // namespace comoq::ietf::detail
