#include "web_key.hpp"

#if COMOQ_RELAY_TOKENS
#include "web_json.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#endif

#include <algorithm>
#include <array>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <utility>

bool Reach::covers(const Reach &other) const {
    const auto covered = [](const std::vector<comoq::Path> &by, const std::vector<comoq::Path> &all) {
        return std::ranges::all_of(all, [&](const comoq::Path &path) {
            return std::ranges::any_of(by, [&](const comoq::Path &prefix) { return path.has_prefix(prefix); });
        });
    };
    return covered(publish, other.publish) && covered(watch, other.watch);
}

bool is_key_id(std::string_view text) noexcept {
    constexpr std::size_t longest = 128;
    return !text.empty() && text.size() <= longest && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

std::optional<std::string> from_base64url(std::string_view text) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string octets;
    octets.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char c : text) {
        const auto digit = digits.find(c);
        if (digit == std::string_view::npos) {
            return std::nullopt;
        }
        bits = (bits << 6 | static_cast<std::uint32_t>(digit)) & 0xffffU;
        count += 6;
        if (count >= 8) {
            count -= 8;
            octets += static_cast<char>(bits >> count & 0xffU);
        }
    }
    // What is left over is less than a digit, and zero.
    if (count >= 6 || (bits & ((1U << count) - 1)) != 0) {
        return std::nullopt;
    }
    return octets;
}

#if COMOQ_RELAY_TOKENS

bool has_tokens() noexcept { return true; }

namespace {

struct Freed {
    void operator()(EVP_PKEY *key) const noexcept { EVP_PKEY_free(key); }
    void operator()(EVP_PKEY_CTX *context) const noexcept { EVP_PKEY_CTX_free(context); }
    void operator()(EVP_MD_CTX *context) const noexcept { EVP_MD_CTX_free(context); }
    void operator()(OSSL_PARAM_BLD *builder) const noexcept { OSSL_PARAM_BLD_free(builder); }
    void operator()(OSSL_PARAM *params) const noexcept { OSSL_PARAM_free(params); }
    void operator()(BIGNUM *number) const noexcept { BN_free(number); }
    void operator()(ECDSA_SIG *signature) const noexcept { ECDSA_SIG_free(signature); }
};
template <class T> using Owned = std::unique_ptr<T, Freed>;

const unsigned char *raw_octets(std::string_view text) { return reinterpret_cast<const unsigned char *>(text.data()); }

Owned<BIGNUM> bignum_of(std::string_view octets) {
    return Owned<BIGNUM>(BN_bin2bn(raw_octets(octets), static_cast<int>(octets.size()), nullptr));
}

// SHA-2 of an algorithm such as RS256: by its last digits.
const EVP_MD *sha_of(std::string_view algorithm) {
    return algorithm.ends_with("256") ? EVP_sha256() : algorithm.ends_with("384") ? EVP_sha384() : EVP_sha512();
}

std::string octets_in(const Json &key, const char *name) {
    const auto text = text_in(key, name);
    auto octets = text ? from_base64url(*text) : std::nullopt;
    if (!octets || octets->empty()) {
        throw std::runtime_error(std::string("the key has no '") + name + "' in base64url");
    }
    return std::move(*octets);
}

std::shared_ptr<EVP_PKEY> checked_key(const char *type, OSSL_PARAM_BLD *builder) {
    const Owned<OSSL_PARAM> params(OSSL_PARAM_BLD_to_param(builder));
    const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    EVP_PKEY *made = nullptr;
    if (params == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
        throw std::runtime_error("the key is none of its kind");
    }
    std::shared_ptr<EVP_PKEY> key(made, Freed());
    const Owned<EVP_PKEY_CTX> check(EVP_PKEY_CTX_new_from_pkey(nullptr, made, nullptr));
    if (check == nullptr || EVP_PKEY_public_check(check.get()) != 1) {
        throw std::runtime_error("the key is none of its kind");
    }
    return key;
}

std::shared_ptr<EVP_PKEY> curve_key(const Json &key, const char *group, std::size_t size) {
    const auto x = octets_in(key, "x"), y = octets_in(key, "y");
    if (x.size() != size || y.size() != size) {
        throw std::runtime_error("the key has coordinates of another curve");
    }
    const auto point = '\x04' + x + y;
    const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
    if (builder == nullptr || OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, group, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1) {
        throw std::bad_alloc();
    }
    return checked_key("EC", builder.get());
}

std::shared_ptr<EVP_PKEY> rsa_key(const Json &key) {
    // As RFC 7518 asks for, and OpenSSL goes no further than 16,384 bits.
    constexpr std::size_t least = 2048 / 8, most = 16'384 / 8;
    const auto n = octets_in(key, "n"), e = octets_in(key, "e");
    const auto modulus = bignum_of(n), exponent = bignum_of(e);
    if (n.size() > most || modulus == nullptr || static_cast<std::size_t>(BN_num_bytes(modulus.get())) < least) {
        throw std::runtime_error("a key of RSA has 2,048 to 16,384 bits");
    }
    const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
    if (builder == nullptr || exponent == nullptr ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1) {
        throw std::bad_alloc();
    }
    return checked_key("RSA", builder.get());
}

std::shared_ptr<EVP_PKEY> edwards_key(const Json &key) {
    const auto x = octets_in(key, "x");
    std::shared_ptr<EVP_PKEY> made(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw_octets(x), x.size()), Freed());
    if (made == nullptr) {
        throw std::runtime_error("the key is none of its kind");
    }
    return made;
}

// What OpenSSL remembers of a failure belongs to nobody else: the same thread serves TLS.
struct ForgottenErrors {
    ForgottenErrors() = default;
    ForgottenErrors(const ForgottenErrors &) = delete;
    ForgottenErrors &operator=(const ForgottenErrors &) = delete;
    ~ForgottenErrors() { ERR_clear_error(); }
};

bool is_any_of(std::string_view algorithm, std::string_view first, std::string_view second, std::string_view third) {
    return algorithm == first || algorithm == second || algorithm == third;
}

void check_use(const Json &key) {
    if (const auto use = text_in(key, "use"); use && *use != "sig") {
        throw std::runtime_error("the key is not for signatures");
    }
    const auto found = key.find("key_ops");
    if (found == key.end()) {
        return;
    }
    if (!found->is_array() || std::ranges::none_of(*found, [](const Json &each) { return each == "verify"; })) {
        throw std::runtime_error("the key is not for checking signatures: 'key_ops' has no 'verify'");
    }
}

// The signature of JWS is two numbers of the same length, and that of OpenSSL is DER.
std::optional<std::string> to_der(std::string_view signature, std::size_t size) {
    if (signature.size() != 2 * size) {
        return std::nullopt;
    }
    const Owned<ECDSA_SIG> numbers(ECDSA_SIG_new());
    auto r = bignum_of(signature.substr(0, size)), s = bignum_of(signature.substr(size));
    if (numbers == nullptr || r == nullptr || s == nullptr || ECDSA_SIG_set0(numbers.get(), r.get(), s.get()) != 1) {
        throw std::bad_alloc();
    }
    static_cast<void>(r.release());
    static_cast<void>(s.release());
    unsigned char *made = nullptr;
    const int length = i2d_ECDSA_SIG(numbers.get(), &made);
    const std::unique_ptr<unsigned char, void (*)(unsigned char *)> owned(made, [](unsigned char *der) { OPENSSL_free(der); });
    if (length <= 0) {
        throw std::bad_alloc();
    }
    return std::string(reinterpret_cast<const char *>(made), static_cast<std::size_t>(length));
}

bool same_code(std::string_view algorithm, std::string_view secret, std::string_view octets, std::string_view signature) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> code{};
    unsigned size = 0;
    if (HMAC(sha_of(algorithm), secret.data(), static_cast<int>(secret.size()), raw_octets(octets), octets.size(), code.data(), &size) == nullptr) {
        throw std::bad_alloc();
    }
    return signature.size() == size && CRYPTO_memcmp(code.data(), signature.data(), size) == 0;
}

}  // namespace

WebKey::WebKey(std::string_view text) {
    const ForgottenErrors forgotten;
    constexpr std::string_view spaces = " \t\r\n";
    text.remove_prefix(std::min(text.find_first_not_of(spaces), text.size()));
    text = text.substr(0, text.find_last_not_of(spaces) + 1);
    std::optional<std::string> decoded;
    if (!text.starts_with('{')) {
        decoded = from_base64url(text);
    }
    const auto key = object_from(decoded ? *decoded : text);
    if (!key) {
        throw std::runtime_error("it is not a JSON Web Key");
    }
    algorithm_ = text_in(*key, "alg").value_or("");
    if (const auto id = text_in(*key, "kid")) {
        if (!is_key_id(*id)) {
            throw std::runtime_error("the key has a 'kid' that is not a name of letters, digits, - and _");
        }
        id_ = *id;
    }
    check_use(*key);
    // In what the first versions of moq-token wrote, it is missing.
    const auto type = text_in(*key, "kty").value_or("oct");
    const auto curve = text_in(*key, "crv").value_or("");
    const auto is = [this](std::string_view name) { return algorithm_ == name; };
    if (type == "oct" && is_any_of(algorithm_, "HS256", "HS384", "HS512")) {
        secret_ = octets_in(*key, "k");
        // As moq-token asks for.
        constexpr std::size_t least = 32;
        if (secret_.size() < least) {
            throw std::runtime_error("a secret has 32 octets at least");
        }
    } else if (type == "EC" && curve == "P-256" && is("ES256")) {
        public_ = curve_key(*key, "P-256", 32);
    } else if (type == "EC" && curve == "P-384" && is("ES384")) {
        public_ = curve_key(*key, "P-384", 48);
    } else if (type == "OKP" && curve == "Ed25519" && is("EdDSA")) {
        public_ = edwards_key(*key);
    } else if (type == "RSA" && (is_any_of(algorithm_, "RS256", "RS384", "RS512") || is_any_of(algorithm_, "PS256", "PS384", "PS512"))) {
        public_ = rsa_key(*key);
    } else {
        throw std::runtime_error("the key has no algorithm that this relay knows for its kind ('alg', 'kty', 'crv')");
    }
    if (const auto scope = key->find("scope"); scope != key->end() && !scope->is_null()) {
        scope_ = scope->is_object() ? reach_in(*scope) : std::nullopt;
        if (!scope_ || scope_->empty()) {
            throw std::runtime_error("the key has a 'scope' that allows nothing, or is none");
        }
    }
}

bool WebKey::has_signed(std::string_view octets, std::string_view signature) const {
    const ForgottenErrors forgotten;
    if (public_ == nullptr) {
        return same_code(algorithm_, secret_, octets, signature);
    }
    const bool is_edwards = algorithm_ == "EdDSA";
    std::optional<std::string> der;
    if (algorithm_.starts_with("ES")) {
        der = to_der(signature, algorithm_ == "ES256" ? 32 : 48);
        if (!der) {
            return false;
        }
        signature = *der;
    }
    const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
    EVP_PKEY_CTX *settings = nullptr;
    if (context == nullptr || EVP_DigestVerifyInit(context.get(), &settings, is_edwards ? nullptr : sha_of(algorithm_), nullptr, public_.get()) != 1) {
        return false;
    }
    if (algorithm_.starts_with("PS") && (EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) != 1 ||
                                         EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST) != 1)) {
        return false;
    }
    return EVP_DigestVerify(context.get(), raw_octets(signature), signature.size(), raw_octets(octets), octets.size()) == 1;
}

#else

bool has_tokens() noexcept { return false; }
WebKey::WebKey(std::string_view) { throw std::runtime_error("this program was built without tokens"); }
bool WebKey::has_signed(std::string_view, std::string_view) const { return false; }

#endif
