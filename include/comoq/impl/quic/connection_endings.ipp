// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/quic/failures.hpp"
#include "../../detail/text/utf8.hpp"
#include "../../quic/connection.hpp"
#include "connection_begin.ipp"
#include "connection_events.ipp"

#include <string>
#include <utility>

// How a connection ends.

namespace comoq::quic {

COMOQ_DECL void Connection::close_wanted(std::uint64_t number, std::string_view reason, Aftermath &after) {
    // First what cannot fail: the streams are gone when this returns, in whatever way, and the library must not see them.
    stage_ = Stage::Closing;
    if (http3_ != nullptr && number == 0) number = h3::number_of(h3::Code::NoError);
    last_words_ = detail::application_error(number, {});
    wake_output(after);
    silent_at_ = clock_() + std::chrono::seconds(1);
    // The application's reason may be anything, and a packet has little room.
    constexpr std::size_t most = 200;
    if (reason.size() > most || !comoq::detail::is_utf8(reason)) return;
    last_reason_ = reason;
    last_words_ = detail::application_error(number, last_reason_);
}

COMOQ_DECL void Connection::fail_streams(std::error_code code, Aftermath &after) {
    if (http3_ != nullptr) {
        after.wake.take(http3_->waits);
        http3_->arrivals.clear();
        if (is_leaving()) return fail_for_application(code, after);
    }
    for (auto &[id, stream] : streams_) {
        if (stream.send != nullptr) {
            sender_.forget(*stream.send);
            stream.send->fail(code, after);
            stream.send->retained.clear(after);
        }
        if (stream.receive != nullptr) stream.receive->fail(code, after.wake);
    }
    // The library looks at no stream from here on.
    streams_.clear();
    own_ = {};
    datagrams_out_.clear(after);
    after.wake.take(ready_waits_);
}

COMOQ_DECL void Connection::fail(int failure, Aftermath &after) {
    switch (failure) {
    case NGTCP2_ERR_IDLE_CLOSE:
    case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
    case NGTCP2_ERR_DROP_CONN:
    case NGTCP2_ERR_RETRY:
    case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
        ends_because(ngtcp2_strerror(failure));
        return fall_silent(detail::error_of(failure), after);
    case NGTCP2_ERR_CRYPTO: {
        const std::uint8_t alert = ngtcp2_conn_get_tls_alert(wire_.get());
        std::error_code code = tls_->refusal();
        if (!code) code = make_error_code(alert == GNUTLS_A_NO_APPLICATION_PROTOCOL ? Error::UnknownAlpn : Error::Transport);
        ends_because(code.category() == error_category() ? std::string(detail::text_of_alert(alert)) : code.message());
        return end_with(detail::tls_error(alert), code, after);
    }
    default:
        break;
    }
    if (http3_ != nullptr && http3_->failure != h3::Code::None) {
        const std::uint64_t number = h3::number_of(http3_->failure);
        ends_because("the peer breaks HTTP/3");
        return end_with(detail::application_error(number, {}), make_error_code(Error::ProtocolViolation), after);
    }
    ends_because(why_ ? why_.message() : std::string(ngtcp2_strerror(failure)));
    if (why_ == Error::UnknownAlpn) return end_with(detail::tls_error(GNUTLS_A_NO_APPLICATION_PROTOCOL), why_, after);
    end_with(detail::library_error(failure), why_ ? why_ : detail::error_of(failure), after);
}

COMOQ_DECL void Connection::end_with(const detail::CloseError &words, std::error_code code, Aftermath &after) {
    stop_leaving(after);
    last_words_ = words;
    stage_ = Stage::Closing;
    silent_at_ = clock_() + std::chrono::seconds(1);
    lose(code, after);
    wake_output(after);
}

COMOQ_DECL void Connection::closed_by_peer(Aftermath &after) {
    const auto close = detail::close_of_peer(wire_.get());
    ends_because(close.reason);
    constexpr std::uint64_t first_alert = NGTCP2_CRYPTO_ERROR, last_alert = first_alert + 0xff;
    if (close.reason.empty() && !close.is_application && close.number >= first_alert && close.number <= last_alert)
        ends_because(detail::text_of_alert(close.number - first_alert));
    auto code = close.is_application ? connection_ended(close.number) : detail::error_of_close(close.number);
    if (close.is_application && http3_ != nullptr) {
        // The numbers are HTTP/3's, and not the session's.
        const bool is_well = close.number == h3::number_of(h3::Code::NoError) || close.number == 0;
        code = is_well ? std::error_code() : make_error_code(Error::Transport);
        if (!is_well) ends_because("the peer ended HTTP/3 with " + std::to_string(close.number));
    }
    stop_leaving(after);
    stage_ = Stage::Draining;
    is_dirty_ = false;
    has_new_deadline_ = true;
    silent_at_ = clock_() + 3 * std::chrono::nanoseconds(ngtcp2_conn_get_pto(wire_.get()));
    lose(code, after);
    after.wake.take(output_waits_);
}

COMOQ_DECL void Connection::fall_silent(std::error_code code, Aftermath &after) {
    stop_leaving(after);
    lose(code, after);
    stage_ = Stage::Silent;
    is_dirty_ = false;
    farewell_.reset();
    wire_.reset();
    tls_.reset();
    after.wake.take(output_waits_);
}

}  // namespace comoq::quic
