// What the relay takes for a token, and what it is worth.
#include "relay/auth_keys.hpp"
#include "relay/token.hpp"
#include "relay/web_key.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "support/catch.hpp"
#include "support/path_texts.hpp"
#include "token_maker.hpp"

namespace tokens_tests {

using namespace std::chrono_literals;
using namespace token_maker;
using comoq::test::Texts;
using comoq::test::texts_of;

namespace {

const std::chrono::system_clock::time_point now{1'800'000'000s};

TokenVerdict verdict_of(const WebKey &key, std::string_view token, std::string audience = {}) {
    TokenRules rules;
    rules.key = [&key](std::optional<std::string_view>) { return &key; };
    rules.audience = std::move(audience);
    return check_token(token, rules, now);
}

std::string flawed(const std::string &text) {
    try {
        const WebKey key(text);
    } catch (const std::runtime_error &error) {
        return error.what();
    }
    return "taken";
}

}  // namespace

TEST_CASE("the relay's tokens: the token of a target is the last one that is not empty", "[examples]") {
    CHECK(token_in("/a") == "");
    CHECK(token_in("/a?jwt=x.y.z") == "x.y.z");
    CHECK(token_in("/a?b=c&jwt=x&d") == "x");
    CHECK(token_in("/a?jwt=x&jwt=y&jwt=#jwt=z") == "y");
    CHECK(token_in("?jwt=x%2Ey%2ez%2") == "x.y.z%2");
    CHECK(token_in("/jwt=x?ajwt=y&jwt") == "");
}

TEST_CASE("the relay's tokens: base64url has one form, without padding", "[examples]") {
    CHECK(from_base64url("") == "");
    CHECK(from_base64url("Zg") == "f");
    CHECK(from_base64url("Zm9v_-8") == "foo\xff\xef");
    for (const auto *wrong : {"Z", "Zg==", "Zh", "Zm9", "Zm9v+/8", "Zg\n", "Zm 9"}) {
        INFO(wrong);
        CHECK_FALSE(from_base64url(wrong));
    }
}

TEST_CASE("the relay's tokens: signatures of the standards' own examples are taken", "[examples]") {
    // RFC 7515, A.1 and A.3; RFC 8037, A.4.
    const WebKey hmac(R"({"kty":"oct","alg":"HS256",
        "k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})");
    const std::string body = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    CHECK(hmac.has_signed("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + body, *from_base64url("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")));
    CHECK_FALSE(hmac.has_signed("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + body, *from_base64url("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXg")));
    const WebKey curve(R"({"kty":"EC","crv":"P-256","alg":"ES256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})");
    const std::string signature = *from_base64url("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
    CHECK(curve.has_signed("eyJhbGciOiJFUzI1NiJ9." + body, signature));
    CHECK_FALSE(curve.has_signed("eyJhbGciOiJFUzI1NiJ8." + body, signature));
    CHECK_FALSE(curve.has_signed("eyJhbGciOiJFUzI1NiJ9." + body, signature.substr(1)));
    CHECK_FALSE(curve.has_signed("eyJhbGciOiJFUzI1NiJ9." + body, std::string(64, '\0')));
    const WebKey edwards(R"({"kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})");
    const std::string_view example = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    const std::string by_edwards =
        *from_base64url("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
    CHECK(edwards.has_signed(example, by_edwards));
    CHECK_FALSE(edwards.has_signed("f" + std::string(example), by_edwards));
    CHECK_FALSE(edwards.has_signed(example, by_edwards + '\0'));
}

TEST_CASE("the relay's tokens: each algorithm of moq-token is taken with a key of its kind, and no other", "[examples]") {
    std::vector<Maker> makers;
    for (const auto *algorithm : {"HS256", "HS384", "HS512", "ES256", "ES384", "EdDSA", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}) {
        makers.emplace_back(algorithm);
    }
    for (const Maker &signer : makers) {
        for (const Maker &checker : makers) {
            INFO(signer.algorithm() << " by a key of " << checker.algorithm());
            const auto verdict = verdict_of(WebKey(checker.key()), signer.token(R"({"put":"a"})"));
            CHECK(verdict.reach.has_value() == (&signer == &checker));
        }
    }
}

TEST_CASE("the relay's tokens: a token is worth what its claims say, below its root", "[examples]") {
    const Maker maker("HS256");
    const WebKey key(maker.key());
    const auto of = [&](const char *claims) { return verdict_of(key, maker.token(claims)); };
    auto verdict = of(R"({"root":"demo","put":["my-stream"],"get":[""],"iat":1})");
    REQUIRE(verdict.reach);
    CHECK(texts_of(verdict.reach->publish) == Texts{"demo/my-stream"});
    CHECK(texts_of(verdict.reach->watch) == Texts{"demo"});
    CHECK_FALSE(verdict.expires);
    verdict = of(R"({"put":"a//b/","exp":1800000001,"nbf":1800000000.0})");
    REQUIRE(verdict.reach);
    CHECK(texts_of(verdict.reach->publish) == Texts{"a/b"});
    CHECK(verdict.reach->watch.empty());
    CHECK(verdict.expires == now + 1s);
    verdict = of(R"({"root":"","put":[],"get":["x","y"],"exp":null,"iss":"x","sub":{},"jti":1})");
    REQUIRE(verdict.reach);
    CHECK(texts_of(verdict.reach->watch) == Texts{"x", "y"});
    // As far away as it may be.
    CHECK(of(R"({"get":"","exp":1e300})").reach);
}

TEST_CASE("the relay's tokens: what is wrong with a token makes it worth nothing, and is named", "[examples]") {
    const Maker maker("HS256");
    const WebKey key(maker.key());
    const auto reason = [&](const std::string &claims) { return verdict_of(key, maker.token(claims)).reason; };
    CHECK(reason(R"({"get":"","exp":1800000000})") == "the token has expired");
    CHECK(reason(R"({"get":"","exp":-1e300})") == "the token has expired");
    CHECK(reason(R"({"get":"","exp":0})") == "the token has expired");
    CHECK(reason(R"({"get":"","nbf":1800000001})") == "the token is not valid yet");
    CHECK(reason(R"({"get":"","aud":"x"})") == "the token is for somebody else");
    CHECK(reason(R"({"get":[],"put":[]})") == "the token allows nothing");
    CHECK(reason(R"({"root":"a"})") == "the token allows nothing");
    for (const auto *claims : {R"({"get":"","publish":["x"]})", R"({"put":"","subscribe":[]})", R"({"get":"","":1})", R"({"get":"","Root":"a"})"}) {
        INFO(claims);
        CHECK(reason(claims) == "the token has claims that this relay does not know");
    }
    for (const auto &claims : std::vector<std::string>{R"({"get":"","exp":"1900000000"})", R"({"get":"","nbf":[]})", R"({"get":1})", R"({"get":"","put":null})", R"({"get":[[""]]})",
                               R"({"root":1,"get":""})", R"({"get":"a\nb"})", R"([])", "", "{", R"("get")",
                               R"({"get":")" + std::string(5000, 'a') + R"("})"}) {
        INFO(claims);
        CHECK(reason(claims) == "the token's claims are malformed");
    }
}

TEST_CASE("the relay's tokens: a token is for the audience that the relay has, if either names one", "[examples]") {
    const Maker maker("HS256");
    const WebKey key(maker.key());
    const auto is_taken = [&](const char *claims) { return verdict_of(key, maker.token(claims), "relay").reach.has_value(); };
    CHECK(is_taken(R"({"get":"","aud":"relay"})"));
    CHECK(is_taken(R"({"get":"","aud":["x","relay"]})"));
    for (const auto *claims : {R"({"get":""})", R"({"get":"","aud":"rela"})", R"({"get":"","aud":["x"]})", R"({"get":"","aud":[]})",
                               R"({"get":"","aud":{"relay":1}})"}) {
        INFO(claims);
        CHECK_FALSE(is_taken(claims));
    }
}

TEST_CASE("the relay's tokens: a forged token is refused, whatever its header says", "[examples]") {
    const Maker maker("RS256");
    const WebKey key(maker.key());
    const std::string claims = R"({"put":"","get":""})";
    const auto reason = [&](const std::string &token) { return verdict_of(key, token).reason; };
    const auto good = maker.token(claims);
    REQUIRE(verdict_of(key, good).reach);
    const auto body = base64url(claims);
    const auto with_header = [&](const std::string &header) { return base64url(header) + '.' + body + '.'; };
    CHECK(reason(with_header(R"({"alg":"none"})")) == "the token has another algorithm than its key");
    CHECK(reason(with_header(R"({"alg":"NONE"})")) == "the token has another algorithm than its key");
    CHECK(reason(with_header(R"({"alg":"rs256"})")) == "the token has another algorithm than its key");
    CHECK(reason(with_header(R"({})")) == "the token has another algorithm than its key");
    CHECK(reason(with_header(R"({"alg":["RS256"]})")) == "the token has another algorithm than its key");
    CHECK(reason(with_header(R"({"alg":"RS256"})")) == "the token's signature is wrong");
    // The public key as the secret of HMAC.
    CHECK(reason(signed_by_hmac(R"({"alg":"HS256"})", claims, maker.key())) == "the token has another algorithm than its key");
    CHECK(reason(signed_by_hmac(R"({"alg":"RS256"})", claims, maker.key())) == "the token's signature is wrong");
    CHECK(reason(with_header(R"({"alg":"RS256","crit":["exp"]})")) == "the token asks for an extension");
    CHECK(reason(with_header(R"({"alg":"RS256","kid":1})")) == "the token is malformed");
    // Each octet counts.
    for (std::size_t i = 0; i < good.size(); i += 7) {
        auto changed = good;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        INFO(i);
        CHECK_FALSE(verdict_of(key, changed).reach);
    }
    for (const std::string &wrong : std::vector<std::string>{"", ".", "..", "...", "a.b", good + '.', good + '=', '.' + good, good.substr(1), "[]." + body + ".x",
                                     std::string(8193, 'a')}) {
        INFO(wrong);
        CHECK_FALSE(verdict_of(key, wrong).reach);
        CHECK_FALSE(verdict_of(key, wrong).reason.empty());
    }
    CHECK_FALSE(verdict_of(WebKey(Maker("RS256").key()), good).reach);
}

TEST_CASE("the relay's tokens: no token allows more than the scope of its key", "[examples]") {
    const Maker maker("HS256");
    const WebKey key(maker.key(R"("scope":{"root":"project","put":["live"],"get":["watch",""]})"));
    const auto is_taken = [&](const char *claims) { return verdict_of(key, maker.token(claims)).reach.has_value(); };
    CHECK(is_taken(R"({"root":"project","put":"live"})"));
    CHECK(is_taken(R"({"put":"project/live/1","get":"project"})"));
    // Two dots are a part like any other.
    CHECK(is_taken(R"({"root":"project","get":"../x"})"));
    for (const auto *claims : {R"({"put":""})", R"({"put":"live"})", R"({"root":"project","put":"lively"})",
                               R"({"root":"project","put":["live","x"]})", R"({"get":"projects"})", R"({"root":"project/..","put":"live"})"}) {
        INFO(claims);
        CHECK_FALSE(is_taken(claims));
    }
    CHECK(verdict_of(key, maker.token(R"({"put":""})")).reason == "the token allows more than its key may");
}

TEST_CASE("the relay's tokens: a key that is none, or that says something else of itself, is refused with a reason", "[examples]") {
    const auto curve = Maker("ES256").key(), rsa = Maker("RS256").key();
    const auto with = [](std::string text, const std::string &what, const std::string &by) {
        const auto place = text.find(what);
        REQUIRE(place != std::string::npos);
        return text.replace(place, what.size(), by);
    };
    CHECK(flawed(curve) == "taken");
    CHECK(flawed(" \n" + base64url(curve) + '\n') == "taken");
    CHECK(flawed(with(curve, R"("kty":"EC")", R"("kty":"EC","key_ops":["verify"],"use":"sig")")) == "taken");
    for (const auto &wrong : {std::string(), std::string("{"), std::string("[]"), std::string("nonsense"), with(curve, "ES256", "ES384"),
                              with(curve, "ES256", "HS256"), with(curve, "ES256", "none"), with(curve, "P-256", "P-384"),
                              with(curve, R"("kty":"EC")", R"("kty":"oct","k":"AAAA")"), with(curve, R"("x":")", R"("x":"AA)"),
                              with(curve, R"("y":")", R"("z":")"), with(curve, R"("kty":"EC")", R"("kty":"EC","key_ops":["sign"])"),
                              with(curve, R"("kty":"EC")", R"("kty":"EC","use":"enc")"), with(curve, R"("kty":"EC")", R"("kty":"EC","kid":"a/b")"),
                              with(curve, R"("kty":"EC")", R"("kty":"EC","scope":{})"), with(rsa, "RS256", "HS256"),
                              std::string(R"({"kty":"oct","alg":"HS256","k":"c2hvcnQ"})"),
                              std::string(R"({"kty":"RSA","alg":"RS256","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86z","e":"AQAB"})"),
                              std::string(R"({"kty":"EC","crv":"P-256","alg":"ES256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})")}) {
        INFO(wrong);
        CHECK(flawed(wrong) != "taken");
    }
    // moq-token's first keys.
    CHECK(flawed(R"({"alg":"HS256","key_ops":["sign","verify"],"k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})") == "taken");
}

namespace {

/// A folder that is there while the test runs.
struct Folder {
    Folder() : path(std::filesystem::temp_directory_path() / fmt::format("comoq-keys-{}", static_cast<const void *>(this))) {
        std::filesystem::remove_all(path);
        std::filesystem::create_directory(path);
    }
    Folder(const Folder &) = delete;
    Folder &operator=(const Folder &) = delete;
    ~Folder() { std::filesystem::remove_all(path); }
    /// Each later than what was there before: files that are written within a tick of the file system look the same.
    void write(const char *name, const std::string &text) {
        { std::ofstream(path / name) << text; }
        std::filesystem::last_write_time(path / name, std::filesystem::file_time_type(std::chrono::seconds(++writes)));
    }
    std::filesystem::path path;
    int writes = 0;
};

}  // namespace

TEST_CASE("the relay's tokens: the key of a file is taken whatever the token calls it, and stays while the file is wrong", "[examples]") {
    const Maker old("HS256"), next("ES256");
    Folder folder;
    folder.write("key", old.key());
    AuthKeys keys(folder.path / "key", false, "", {});
    const auto is_taken = [&](const Maker &maker, const char *header = "") { return keys.check(maker.token(R"({"get":""})", header), now).reach.has_value(); };
    CHECK(is_taken(old));
    CHECK(is_taken(old, R"("kid":"x")"));
    CHECK_FALSE(is_taken(next));
    CHECK_FALSE(keys.renew(false));
    CHECK(keys.renew(true));
    folder.write("key", "nonsense");
    CHECK_THROWS_AS(keys.renew(false), std::runtime_error);
    CHECK(is_taken(old));
    // Said once.
    CHECK_FALSE(keys.renew(false));
    folder.write("key", next.key());
    CHECK(keys.renew(false));
    CHECK(is_taken(next));
    CHECK_FALSE(is_taken(old));
    CHECK_THROWS_AS(AuthKeys(folder.path / "none", false, "", {}), std::runtime_error);
}

TEST_CASE("the relay's tokens: a folder has a key for each name, and one that is wrong is left out", "[examples]") {
    const Maker first("HS256"), second("EdDSA");
    Folder folder;
    folder.write("first.jwk", first.key());
    folder.write("bad.jwk", "nonsense");
    folder.write("other.jwk", first.key(R"("kid":"first")"));
    folder.write("README", "nonsense");
    std::vector<std::string> left_out;
    AuthKeys keys(folder.path, true, "", [&](const std::string &file, std::string_view) {
        left_out.push_back(std::filesystem::path(file).filename().string());
    });
    CHECK(left_out == Texts{"bad.jwk", "other.jwk"});
    CHECK(keys.size() == 1);
    const auto is_taken = [&](const Maker &maker, const char *header) { return keys.check(maker.token(R"({"get":""})", header), now).reach.has_value(); };
    CHECK(is_taken(first, R"("kid":"first")"));
    CHECK_FALSE(is_taken(first, ""));
    CHECK_FALSE(is_taken(first, R"("kid":"other")"));
    CHECK_FALSE(is_taken(first, R"("kid":"../first")"));
    CHECK_FALSE(is_taken(second, R"("kid":"first")"));
    folder.write("second.jwk", second.key());
    std::filesystem::remove(folder.path / "first.jwk");
    CHECK(keys.renew(false));
    CHECK(is_taken(second, R"("kid":"second")"));
    CHECK_FALSE(is_taken(first, R"("kid":"first")"));
    CHECK_THROWS_AS(AuthKeys(folder.path / "none", true, "", {}), std::runtime_error);
}

}
