// A key that tokens are checked by: a JSON Web Key (RFC 7517), with the scope that moq-token writes into it.
#pragma once

#include <comoq/path.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct evp_pkey_st;

// False if this program was built without tokens: they need nlohmann-json, and OpenSSL 3.
bool has_tokens() noexcept;

// The octets of base64url without padding (RFC 7515). Nothing if it is not that, in the one way in which they can be written.
std::optional<std::string> from_base64url(std::string_view text);

// Where somebody may publish and what it may watch: whole paths, each with all that is below it.
struct Reach {
    std::vector<comoq::Path> publish, watch;

    bool empty() const noexcept { return publish.empty() && watch.empty(); }
    // True if everything that the other one may do may be done with this.
    bool covers(const Reach &other) const;
};

// Values are copied cheaply, and are not changed. Any thread.
class WebKey {
public:
    // From the JSON of a key, or that in base64url. Throws std::runtime_error, which says what is wrong and nothing of the
    // key, for all that this cannot check tokens by: an algorithm that does not belong to the kind of key, too.
    explicit WebKey(std::string_view text);

    // Of JWS, such as ES256: the only one that this key takes.
    const std::string &algorithm() const noexcept { return algorithm_; }
    // Empty if it has none.
    const std::string &id() const noexcept { return id_; }
    // What its tokens can allow at most; nothing: everything.
    const std::optional<Reach> &scope() const noexcept { return scope_; }

    // Whether the holder of the key has signed these octets.
    bool has_signed(std::string_view octets, std::string_view signature) const;

private:
    std::string algorithm_, id_;
    std::optional<Reach> scope_;
    std::string secret_;                    // of HMAC
    std::shared_ptr<evp_pkey_st> public_;  // of the others
};

// Whether the text can be the name of a key: letters, digits, - and _, up to 128 of them. So it is safe as the name of a file.
bool is_key_id(std::string_view text) noexcept;
