// SPDX-License-Identifier: MIT
#pragma once
#include "gnutls.hpp"
#include "../../quic/key_log.hpp"
#include "ngtcp2.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::quic::detail {

/// The TLS of one connection. ngtcp2's helper reads and writes its messages.
class TlsSession {
public:
    TlsSession(std::shared_ptr<const ServerIdentity> identity, const std::vector<std::string> &protocols)
        : identity_(std::move(identity)) {
        init(GNUTLS_SERVER | GNUTLS_NO_TICKETS);
        check_gnutls(ngtcp2_crypto_gnutls_configure_server_session(native()), "GnuTLS: QUIC");
        offer(protocols, GNUTLS_ALPN_MANDATORY | GNUTLS_ALPN_SERVER_PRECEDENCE);
        use(identity_->credentials);
    }
    /// The server must have this name, unless the trust is of another kind.
    TlsSession(std::shared_ptr<const Trust> trust, std::string server_name, bool is_address,
               const std::vector<std::string> &protocols)
        : trust_(std::move(trust)), server_name_(std::move(server_name)) {
        // Of moved-from credentials.
        if (trust_ == nullptr) check_gnutls(GNUTLS_E_INSUFFICIENT_CREDENTIALS, "a client of QUIC");
        init(GNUTLS_CLIENT | GNUTLS_NO_TICKETS);
        check_gnutls(ngtcp2_crypto_gnutls_configure_client_session(native()), "GnuTLS: QUIC");
        offer(protocols, GNUTLS_ALPN_MANDATORY);
        use(trust_->credentials);
        if (!is_address) {
            check_gnutls(gnutls_server_name_set(native(), GNUTLS_NAME_DNS, server_name_.data(), server_name_.size()), "GnuTLS");
        }
        if (trust_->by == Trust::By::Authorities) {
            // A name of digits is an address. The session keeps no copy.
            static constexpr std::string_view purpose = GNUTLS_KP_TLS_WWW_SERVER;
            wanted_[0] = {GNUTLS_DT_DNS_HOSTNAME, datum_of(server_name_).data, 0};
            wanted_[1] = {GNUTLS_DT_KEY_PURPOSE_OID, datum_of(purpose).data, 0};
            gnutls_session_set_verify_cert2(native(), wanted_.data(), static_cast<unsigned>(wanted_.size()), 0);
        }
        if (trust_->by == Trust::By::Pins) gnutls_session_set_verify_function(native(), verify_pin);
    }
    TlsSession(const TlsSession &) = delete;
    TlsSession &operator=(const TlsSession &) = delete;

    /// Tells the secrets from now on. An empty log is told nothing.
    void log_keys(const KeyLog &log) {
        if (!log) return;
        key_log_ = log;
        gnutls_session_set_keylog_function(native(), tell_key);
    }
    void belongs_to(ngtcp2_conn *connection) noexcept { connection_ = connection; }
    gnutls_session_t native() const noexcept { return native_.get(); }

    /// What both sides have agreed on; empty if the peer named none.
    std::string protocol() const {
        gnutls_datum_t chosen{};
        if (gnutls_alpn_get_selected_protocol(native(), &chosen) != 0) return {};
        return {reinterpret_cast<const char *>(chosen.data), chosen.size};
    }
    /// False if the server's certificate was not refused.
    std::error_code refusal() const noexcept {
        if (trust_ == nullptr) return {};
        const unsigned status = trust_->by == Trust::By::Authorities ? gnutls_session_get_verify_cert_status(native()) : pin_status_;
        // Before there was a certificate all bits are set.
        constexpr auto unknown = static_cast<unsigned>(-1);
        return status == 0 || status == unknown ? std::error_code() : refused_certificate(status);
    }

private:
    struct End {
        void operator()(gnutls_session_t session) const noexcept { gnutls_deinit(session); }
    };
    struct Reference : ngtcp2_crypto_conn_ref {
        TlsSession *session;
    };

    void init(unsigned flags) {
        gnutls_session_t made = nullptr;
        check_gnutls(gnutls_init(&made, flags | GNUTLS_NO_END_OF_EARLY_DATA), "GnuTLS");
        native_.reset(made);
        // AES first: with GnuTLS, ChaCha20 costs seven times as much for each packet.
        constexpr const char *priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:"
                                           "+CHACHA20-POLY1305:%DISABLE_TLS13_COMPAT_MODE";
        check_gnutls(gnutls_priority_set_direct(made, priorities, nullptr), "GnuTLS: priorities");
        reference_.get_conn = [](ngtcp2_crypto_conn_ref *reference) {
            return static_cast<Reference *>(reference)->session->connection_;
        };
        reference_.user_data = nullptr;
        reference_.session = this;
        gnutls_session_set_ptr(native(), static_cast<ngtcp2_crypto_conn_ref *>(&reference_));
    }
    void offer(const std::vector<std::string> &protocols, unsigned flags) {
        std::vector<gnutls_datum_t> names;
        for (const auto &each : protocols) names.push_back(datum_of(each));
        check_gnutls(gnutls_alpn_set_protocols(native(), names.data(), static_cast<unsigned>(names.size()), flags), "GnuTLS: ALPN");
    }
    void use(const Credentials &credentials) {
        check_gnutls(gnutls_credentials_set(native(), GNUTLS_CRD_CERTIFICATE, credentials.native), "GnuTLS: credentials");
    }

    static TlsSession &of(gnutls_session_t native) noexcept {
        return *static_cast<Reference *>(static_cast<ngtcp2_crypto_conn_ref *>(gnutls_session_get_ptr(native)))->session;
    }
    static int tell_key(gnutls_session_t native, const char *label, const gnutls_datum_t *secret) noexcept;
    static int verify_pin(gnutls_session_t native) noexcept {
        TlsSession &session = of(native);
        try {
            session.pin_status_ = session.status_of_pin();
        } catch (const std::exception &) {
            session.pin_status_ = GNUTLS_CERT_INVALID;
        }
        return session.pin_status_ == 0 ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
    }
    unsigned status_of_pin() const;

    std::shared_ptr<const ServerIdentity> identity_;
    std::shared_ptr<const Trust> trust_;
    const std::string server_name_;
    /// Of the server's certificate, by an authority.
    std::array<gnutls_typed_vdata_st, 2> wanted_{};
    KeyLog key_log_;
    ngtcp2_conn *connection_ = nullptr;
    std::unique_ptr<gnutls_session_int, End> native_;
    Reference reference_{};
    unsigned pin_status_ = 0;
};

}  // namespace comoq::quic::detail

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../../impl/detail/quic/tls_session.ipp"
#endif
