// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/ietf/run_session.hpp"
#include "../../detail/ietf/session_core.hpp"
#include "../../ietf/session.hpp"

#include <asio/post.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace comoq::ietf {

COMOQ_DECL Session::Session(std::shared_ptr<Transport> transport, SessionConfig config)
    : exceptions_(std::uncaught_exceptions()), core_(std::make_shared<detail::SessionCore>(std::move(transport), std::move(config))) {
    // The group's one task; nothing else touches the group before the task is over, so this may be any thread.
    auto over = [core = core_](const std::exception_ptr &failure) { comoq::detail::fail_session(*core, failure); };
    comoq::detail::TaskGroupState::spawn(core_->whole, detail::run_session(core_), std::move(over));
}

COMOQ_DECL Session::Session(Session &&other) noexcept
    : exceptions_(std::uncaught_exceptions()), core_(std::move(other.core_)) {}

COMOQ_DECL Session &Session::operator=(Session &&other) noexcept {
    Session previous(std::move(*this));
    exceptions_ = std::uncaught_exceptions();
    core_ = std::move(other.core_);
    return *this;
}

COMOQ_DECL Session::~Session() {
    if (core_ == nullptr) return;
    const bool unwinds = std::uncaught_exceptions() > exceptions_;
    try {
        core_->close(unwinds ? make_error_code(Error::Cancelled) : std::error_code(), "");
    } catch (const std::exception &) {
        // A transport of this library closes without memory, too. With another one, its end is the session's.
    }
}

COMOQ_DECL BroadcastConsumer Session::broadcast(std::string_view path) const {
    if (core_ == nullptr) comoq::detail::throw_error(make_error_code(Error::Closed));
    return comoq::detail::requested_broadcast(core_, path);
}

COMOQ_DECL std::string_view Session::protocol() const noexcept {
    return core_ != nullptr ? core_->transport->protocol() : std::string_view();
}

COMOQ_DECL std::uint64_t Session::number() const noexcept {
    return core_ != nullptr ? core_->log.number() : 0;
}

COMOQ_DECL std::size_t Session::announcements_left_out() const noexcept {
    return core_ != nullptr ? core_->left_out.load(std::memory_order_relaxed) : 0;
}

COMOQ_DECL SessionStats Session::stats() const { return core_ != nullptr ? core_->stats() : SessionStats(); }

COMOQ_DECL void Session::close(std::error_code code, std::string_view reason) {
    if (core_ != nullptr) core_->close(code, reason);
}

COMOQ_DECL Operation<std::shared_ptr<const PeerSetup>> Session::peer() const {
    return core_ != nullptr ? core_->setup.wait() : comoq::detail::closed_operation<std::shared_ptr<const PeerSetup>>();
}

COMOQ_DECL Operation<void> Session::greeted() const {
    return core_ != nullptr ? core_->greeted.wait() : comoq::detail::closed_operation<void>();
}

COMOQ_DECL Operation<void> Session::admitted() const {
    return core_ != nullptr ? core_->admitted.wait() : comoq::detail::closed_operation<void>();
}

COMOQ_DECL void Session::goaway(std::string uri) const {
    send_away(std::move(uri), std::nullopt);
}

COMOQ_DECL void Session::drain(std::chrono::milliseconds within, std::string uri) const {
    send_away(std::move(uri), within);
}

COMOQ_DECL void Session::send_away(std::string uri, std::optional<std::chrono::milliseconds> within) const {
    const bool is_client = core_ != nullptr && core_->transport->is_client();
    if (uri.size() > longest_uri || (is_client && !uri.empty())) comoq::detail::throw_error(make_error_code(Error::BoundsExceeded));
    if (core_ == nullptr) comoq::detail::throw_error(make_error_code(Error::Closed));
    if (within && *within <= std::chrono::milliseconds(0)) {
        core_->close(make_error_code(Error::GoingAway), "going away");
        return;
    }
    asio::post(core_->transport->executor(), [core = core_, message = detail::goaway_to(std::move(uri), within), within] {
        if (core->ended.peek()) return;
        try {
            if (within) core->spawn(comoq::detail::end_after(core, *within));
            if (!std::exchange(core->has_sent_away, true))
                core->spawn(detail::send_goaway(core, message));
        } catch (const std::bad_alloc &) {
            core->close(std::make_error_code(std::errc::not_enough_memory), "GOAWAY");
        }
    });
}

COMOQ_DECL Operation<std::string> Session::goaway_received() const {
    return core_ != nullptr ? core_->goaway.wait() : comoq::detail::closed_operation<std::string>();
}

COMOQ_DECL Operation<std::error_code> Session::closed() const {
    return core_ != nullptr ? core_->ended.wait() : comoq::detail::closed_operation<std::error_code>();
}

COMOQ_DECL Operation<void> Session::done() const {
    return core_ != nullptr ? core_->whole->idle() : comoq::detail::closed_operation<void>();
}

}  // namespace comoq::ietf

namespace comoq {
COMOQ_DEFINE_OPERATION(std::shared_ptr<const ietf::PeerSetup>);
}  // namespace comoq
