#include "identity.hpp"

#include <comoq/net/tls.hpp>

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <ctime>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace {

using namespace std::chrono_literals;

std::string text_of(const std::string &name) {
    std::ifstream file(name, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    if (text.empty()) {
        throw std::system_error(file.is_open() ? ENODATA : errno, std::system_category(), name);
    }
    return text;
}

// The contexts of all names: a client that asks for one of the others is moved there. They stay as long as the first. Without a
// callback OpenSSL does not tell later which name was asked for.
struct Contexts {
    std::vector<std::shared_ptr<asio::ssl::context>> all;
};

int choose_by_name(SSL *connection, int *, void *argument) {
    const char *name = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
    const auto &contexts = *static_cast<const Contexts *>(argument);
    for (const auto &context : contexts.all) {
        X509 *certificate = SSL_CTX_get0_certificate(context->native_handle());
        if (name != nullptr && X509_check_host(certificate, name, 0, 0, nullptr) == 1) {
            SSL_set_SSL_CTX(connection, context->native_handle());
            break;
        }
    }
    return SSL_TLSEXT_ERR_OK;
}

std::shared_ptr<asio::ssl::context> joined(std::vector<std::shared_ptr<asio::ssl::context>> all) {
    const auto contexts = std::make_shared<Contexts>();
    contexts->all = std::move(all);
    const auto first = contexts->all.front();
    SSL_CTX_set_tlsext_servername_callback(first->native_handle(), choose_by_name);
    SSL_CTX_set_tlsext_servername_arg(first->native_handle(), contexts.get());
    return {contexts, first.get()};
}

std::string fingerprint_of(const asio::ssl::context &context) {
    // asio has no const here.
    const X509 *certificate = SSL_CTX_get0_certificate(const_cast<asio::ssl::context &>(context).native_handle());
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    unsigned size = 0;
    X509_digest(certificate, EVP_sha256(), hash.data(), &size);
    std::string text;
    for (std::size_t i = 0; i < size; ++i) {
        text += fmt::format("{:02x}", hash[i]);
    }
    return text;
}

void check_time(const asio::ssl::context &context, const std::string &name) {
    const X509 *certificate = SSL_CTX_get0_certificate(const_cast<asio::ssl::context &>(context).native_handle());
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0) {
        throw std::runtime_error(name + ": the certificate has expired");
    }
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
        throw std::runtime_error(name + ": the certificate is not valid yet");
    }
}

// From now on clients may show a certificate, and one of another authority ends the handshake.
void ask_for_certificates(asio::ssl::context &context, const std::string &authorities) {
    std::error_code failure;
    context.load_verify_file(authorities, failure);
    SSL_CTX *const native = context.native_handle();
    // Clients with several choose by these names. The context owns them.
    STACK_OF(X509_NAME) *const names = failure ? nullptr : SSL_load_client_CA_file(authorities.c_str());
    if (names == nullptr) {
        throw std::system_error(failure ? failure : std::make_error_code(std::errc::invalid_argument), authorities);
    }
    SSL_CTX_set_client_CA_list(native, names);
    context.set_verify_mode(asio::ssl::verify_peer);
    // A session that is resumed would not be checked again.
    SSL_CTX_set_num_tickets(native, 0);
    SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
}

// One that has 13 days is renewed after half of them.
constexpr auto renewal = 13 * 24h / 2;

}  // namespace

std::optional<std::chrono::system_clock::time_point> shown_until(SSL *connection) {
    const std::unique_ptr<X509, void (*)(X509 *)> certificate(SSL_get_peer_certificate(connection), X509_free);
    std::tm end{};
    if (certificate == nullptr || SSL_get_verify_result(connection) != X509_V_OK ||
        ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) != 1) {
        return std::nullopt;
    }
    // Times beyond those of the clock, such as the year 9999, are the last one that it has.
    constexpr auto last = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::time_point::max());
    return std::min(std::chrono::sys_seconds(std::chrono::seconds(timegm(&end))), last);
}

std::string name_asked_for(SSL *connection) {
    const char *const name = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
    return name != nullptr ? name : "";
}

Identity::Identity(const Options &options)
    : options_(options), seen_(file_times()), renew_at_(std::chrono::steady_clock::now() + renewal), current_(load()) {}

Identity::Current Identity::load() const {
    struct Pem {
        std::string chain, key;
    };
    std::vector<Pem> texts;
    std::vector<std::shared_ptr<asio::ssl::context>> contexts;
    for (std::size_t i = 0; i < options_.certificates.size(); ++i) {
        const std::string &certificate = options_.certificates[i], &key = options_.keys[i];
        texts.push_back({text_of(certificate), text_of(key)});
        // This names the file that is wrong.
        comoq::ServerTlsConfig files;
        files.certificate_file = certificate;
        files.key_file = key;
        static_cast<void>(comoq::net::server_tls(files));
        contexts.push_back(comoq::net::server_tls(texts.back().chain, texts.back().key));
        check_time(*contexts.back(), certificate);
    }
    Current made;
#if COMOQ_RELAY_QUIC
    std::vector<comoq::quic::PemIdentity> identities;
    for (const Pem &each : texts) {
        identities.push_back({each.chain, each.key});
    }
    if (!options_.generated_for.empty()) {
        identities.push_back(comoq::quic::self_signed(options_.generated_for));
        contexts.push_back(comoq::net::server_tls(identities.back().chain, identities.back().key));
    }
    made.quic = comoq::quic::ServerCredentials::from_pem(identities);
#endif
    if (options_.peer_authorities) {
        for (const auto &context : contexts) {
            ask_for_certificates(*context, *options_.peer_authorities);
        }
    }
    made.fingerprint = fingerprint_of(*contexts.front());
    made.tls = joined(std::move(contexts));
    return made;
}

Identity::FileTimes Identity::file_times() const {
    FileTimes times;
    for (const auto *names : {&options_.certificates, &options_.keys}) {
        for (const auto &name : *names) {
            std::error_code missing;
            times.push_back(std::filesystem::last_write_time(name, missing));
        }
    }
    if (options_.peer_authorities) {
        std::error_code missing;
        times.push_back(std::filesystem::last_write_time(*options_.peer_authorities, missing));
    }
    return times;
}

bool Identity::renew(bool always) {
    auto times = file_times();
    const auto now = std::chrono::steady_clock::now();
    const bool is_old = !options_.generated_for.empty() && now >= renew_at_;
    // Clients may have pinned what the relay has made: that is not replaced before its time.
    const bool is_asked_for = always && options_.generated_for.empty();
    if (!is_asked_for && !is_old && times == seen_) {
        return false;
    }
    seen_ = std::move(times);
    auto next = load();
    renew_at_ = now + renewal;
    std::lock_guard lock(mutex_);
    const bool is_other = next.fingerprint != current_.fingerprint;
    current_ = std::move(next);
    return is_other || options_.certificates.size() > 1 || options_.peer_authorities;
}

std::shared_ptr<asio::ssl::context> Identity::tls() const {
    std::lock_guard lock(mutex_);
    return current_.tls;
}

std::string Identity::fingerprint() const {
    std::lock_guard lock(mutex_);
    return current_.fingerprint;
}

#if COMOQ_RELAY_QUIC
comoq::quic::ServerCredentials Identity::quic() const {
    std::lock_guard lock(mutex_);
    return current_.quic;
}
#endif
