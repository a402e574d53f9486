// Keys, and tokens that they sign, for tests.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include "support/catch.hpp"

namespace token_maker {

inline std::string base64url(std::string_view octets) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string text;
    unsigned bits = 0, count = 0;
    for (const char c : octets) {
        bits = (bits << 8 | static_cast<unsigned char>(c)) & 0xffffU;
        for (count += 8; count >= 6;) {
            count -= 6;
            text += digits[bits >> count & 63U];
        }
    }
    if (count != 0) text += digits[bits << (6 - count) & 63U];
    return text;
}

inline std::string hmac_of(const EVP_MD *hash, std::string_view secret, std::string_view text) {
    std::string code(EVP_MAX_MD_SIZE, '\0');
    unsigned size = 0;
    HMAC(hash, secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char *>(text.data()), text.size(),
         reinterpret_cast<unsigned char *>(code.data()), &size);
    code.resize(size);
    return code;
}

inline std::string signed_by_hmac(std::string_view header, std::string_view claims, std::string_view secret) {
    const auto text = base64url(header) + '.' + base64url(claims);
    return text + '.' + base64url(hmac_of(EVP_sha256(), secret, text));
}

/// A new key of its own, for one algorithm.
class Maker {
public:
    explicit Maker(const std::string &algorithm) : algorithm_(algorithm) {
        static unsigned count = 0;
        if (is("HS")) {
            secret_ = fmt::format("{:>64}", ++count);
        } else if (is("ES")) {
            key_.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", is("ES256") ? "P-256" : "P-384"));
        } else if (is("Ed")) {
            key_.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
        } else {
            key_.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048}));
        }
        REQUIRE((is("HS") || key_ != nullptr));
    }

    const std::string &algorithm() const { return algorithm_; }

    /// What a relay gets: the public half, or the secret; and more members.
    std::string key(const std::string &more = {}) const {
        const auto tail = more.empty() ? "}" : ',' + more + '}';
        if (is("HS")) return fmt::format(R"({{"kty":"oct","alg":"{}","k":"{}")", algorithm_, base64url(secret_)) + tail;
        if (is("ES")) {
            const std::size_t size = is("ES256") ? 32 : 48;
            return fmt::format(R"({{"kty":"EC","crv":"P-{}","alg":"{}","x":"{}","y":"{}")", is("ES256") ? 256 : 384, algorithm_,
                               number(OSSL_PKEY_PARAM_EC_PUB_X, size), number(OSSL_PKEY_PARAM_EC_PUB_Y, size)) + tail;
        }
        if (is("Ed")) {
            std::string x(32, '\0');
            std::size_t size = x.size();
            EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char *>(x.data()), &size);
            return fmt::format(R"({{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"{}")", base64url(x)) + tail;
        }
        return fmt::format(R"({{"kty":"RSA","alg":"{}","n":"{}","e":"{}")", algorithm_, number(OSSL_PKEY_PARAM_RSA_N, 256),
                           number(OSSL_PKEY_PARAM_RSA_E, 3)) + tail;
    }

    /// With more members in its header.
    std::string token(std::string_view claims, const std::string &more = {}) const {
        const auto header = fmt::format(R"({{"alg":"{}","typ":"JWT"{}}})", algorithm_, more.empty() ? more : ',' + more);
        const auto text = base64url(header) + '.' + base64url(claims);
        return text + '.' + base64url(is("HS") ? hmac_of(hash(), secret_, text) : signature_of(text));
    }

private:
    struct Freed {
        void operator()(EVP_PKEY *key) const { EVP_PKEY_free(key); }
        void operator()(EVP_MD_CTX *context) const { EVP_MD_CTX_free(context); }
        void operator()(BIGNUM *value) const { BN_free(value); }
        void operator()(ECDSA_SIG *value) const { ECDSA_SIG_free(value); }
    };

    bool is(std::string_view begin) const { return algorithm_.starts_with(begin); }
    const EVP_MD *hash() const {
        return algorithm_.ends_with("256") ? EVP_sha256() : algorithm_.ends_with("384") ? EVP_sha384() : EVP_sha512();
    }

    static std::string padded(const BIGNUM *value, std::size_t size) {
        std::string octets(size, '\0');
        BN_bn2binpad(value, reinterpret_cast<unsigned char *>(octets.data()), static_cast<int>(size));
        return octets;
    }
    std::string number(const char *name, std::size_t size) const {
        BIGNUM *value = nullptr;
        REQUIRE(EVP_PKEY_get_bn_param(key_.get(), name, &value) == 1);
        const std::unique_ptr<BIGNUM, Freed> owned(value);
        return base64url(padded(value, size));
    }

    std::string signature_of(std::string_view text) const {
        const std::unique_ptr<EVP_MD_CTX, Freed> context(EVP_MD_CTX_new());
        EVP_PKEY_CTX *settings = nullptr;
        REQUIRE(EVP_DigestSignInit(context.get(), &settings, is("Ed") ? nullptr : hash(), nullptr, key_.get()) == 1);
        if (is("PS")) {
            EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING);
            EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST);
        }
        std::string made(512, '\0');
        std::size_t size = made.size();
        REQUIRE(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char *>(made.data()), &size,
                               reinterpret_cast<const unsigned char *>(text.data()), text.size()) == 1);
        made.resize(size);
        if (!is("ES")) return made;
        const auto *der = reinterpret_cast<const unsigned char *>(made.data());
        const std::unique_ptr<ECDSA_SIG, Freed> numbers(d2i_ECDSA_SIG(nullptr, &der, static_cast<long>(size)));
        const std::size_t half = is("ES256") ? 32 : 48;
        return padded(ECDSA_SIG_get0_r(numbers.get()), half) + padded(ECDSA_SIG_get0_s(numbers.get()), half);
    }

    std::string algorithm_, secret_;
    std::unique_ptr<EVP_PKEY, Freed> key_;
};

}  // namespace token_maker
