// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"
#include "../detail/containers/config_member.hpp"
#include "fingerprint.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace comoq::quic {

namespace detail {
struct ServerIdentity;
struct Trust;
}  // namespace detail

/// A server's certificate with its chain, and its key, as PEM texts.
struct PemIdentity {
    /// The server's own certificate first.
    comoq::detail::ConfigMember<std::string> chain = {};
    /// Its key.
    comoq::detail::ConfigMember<std::string> key = {};
};

/// For development: a certificate that signs itself, with a new key (ECDSA, P-256). It holds for these host names and addresses,
/// from an hour before `now`, for 13 days: browsers pin none that holds for longer than 14. Throws `std::system_error`, in
/// GnuTLS's category.
PemIdentity self_signed(const std::vector<std::string> &names,
                        std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

/// A server's certificates with their chains, and their keys. A copy shares them. Any thread.
class ServerCredentials {
public:
    /// None: a server cannot use it.
    ServerCredentials() noexcept = default;
    /// PEM texts: the chain, the server's own certificate first, and the key. Throws `std::system_error`, in GnuTLS's
    /// category, if one cannot be read or they do not belong together.
    static ServerCredentials from_pem(std::string_view chain, std::string_view key);
    /// Several of them. A client gets the certificate for the name that it asks for, and the first one if there is none. Throws
    /// as above, also if there are none.
    static ServerCredentials from_pem(const std::vector<PemIdentity> &identities);
    /// The same of two files. The `what()` of an exception names the file that cannot be read.
    static ServerCredentials from_files(const std::string &chain, const std::string &key);
    /// One that is `self_signed`. Throws as `from_pem`.
    static ServerCredentials generated(const std::vector<std::string> &names,
                                       std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

    /// False for a default-constructed object.
    explicit operator bool() const noexcept { return identity_ != nullptr; }
    /// Of the server's own certificate, the first if there are several. All zeros if there is none.
    Fingerprint fingerprint() const;

    /// \cond
    const std::shared_ptr<const detail::ServerIdentity> &identity() const noexcept { return identity_; }
    /// \endcond

private:
    std::shared_ptr<const detail::ServerIdentity> identity_;
};

/// How a client checks the certificate of its server. A copy shares what it trusts. Any thread. A client with a moved-from
/// object gets a `std::system_error` in GnuTLS's category.
class ClientCredentials {
public:
    /// By the authorities that the system trusts. Throws `std::system_error`, in GnuTLS's category, if they cannot be read.
    ClientCredentials() : ClientCredentials(system()) {}
    /// The same.
    static ClientCredentials system();
    /// By these authorities alone, as PEM text. Throws as `system`.
    static ClientCredentials authorities(std::string_view pem);
    /// The same of a file, which the `what()` of an exception names.
    static ClientCredentials authorities_file(const std::string &name);
    /// The server's own certificate must have one of these fingerprints, and not be expired. Names and authorities do not
    /// matter then.
    static ClientCredentials pinned(std::vector<Fingerprint> fingerprints);
    /// Takes any certificate of any server, and so any attacker in between. For tests.
    static ClientCredentials accept_any_certificate();

    /// \cond
    const std::shared_ptr<const detail::Trust> &trust() const noexcept { return trust_; }
    /// \endcond

private:
    explicit ClientCredentials(std::shared_ptr<const detail::Trust> trust) noexcept : trust_(std::move(trust)) {}
    std::shared_ptr<const detail::Trust> trust_;
};

}  // namespace comoq::quic

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/quic/credentials.ipp"
#endif
