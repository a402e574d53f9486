// What clients may do at the relay, by a token or without one.
#include "relay/access.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <comoq/origin.hpp>

#include <fmt/format.h>

#include "support/catch.hpp"
#include "support/path_texts.hpp"
#include "token_maker.hpp"

namespace access_tests {

using namespace std::chrono_literals;
using comoq::test::Texts;
using comoq::test::texts_of;
using token_maker::Maker;

namespace {

const std::chrono::system_clock::time_point now{1'800'000'000s};

/// A relay with a key, where anybody may watch what is open.
struct Scene {
    Scene() {
        std::ofstream(file) << maker.key();
        keys.emplace(file, false, "", AuthKeys::OnBadFile());
        rights.only_what_is_said();
        rights.let_watch("open/**");
    }
    Scene(const Scene &) = delete;
    Scene &operator=(const Scene &) = delete;
    ~Scene() { std::filesystem::remove(file); }
    Admission asks_for(const std::string &path, const std::string &claims) const { return shows(path, maker.token(claims)); }
    Admission shows(const std::string &path, const std::string &token) const {
        return admit(path + "?jwt=" + token, rights, &*keys, origin, now);
    }
    const Maker maker{"HS256"};
    const std::filesystem::path file = std::filesystem::temp_directory_path() / fmt::format("comoq-key-{}", static_cast<const void *>(this));
    const comoq::Origin origin;
    std::optional<AuthKeys> keys;
    Rights rights;
};

Texts watched(const Admission &by) { return by.views && by.views->publish ? texts_of(by.views->publish->allowed()) : Texts(); }
Texts published(const Admission &by) { return by.views && by.views->subscribe ? texts_of(by.views->subscribe->allowed()) : Texts(); }

}  // namespace

TEST_CASE("the relay's access: without a token there is what is public, and nothing is where a token is asked for", "[examples]") {
    const Scene scene;
    const auto open = admit("/open/x", scene.rights, &*scene.keys, scene.origin, now);
    CHECK(watched(open) == Texts{""});
    CHECK(published(open).empty());
    CHECK_FALSE(open.expires);
    for (const auto *target : {"/", "/elsewhere", "/open?jwt", "/elsewhere?jwt=", "/elsewhere?token=a.b.c"}) {
        INFO(target);
        const auto other = admit(target, scene.rights, &*scene.keys, scene.origin, now);
        // From the root there is a way to what is open.
        const bool is_way = std::string_view(target) == "/" || std::string_view(target) == "/open?jwt";
        CHECK(other.views.has_value() == is_way);
        if (!is_way) CHECK(other.status == 401);
        if (!is_way) CHECK(other.reason == "no token");
    }
    // Without keys nobody looks at a token.
    CHECK(published(admit("/x?jwt=nonsense", Rights(), nullptr, scene.origin, now)) == Texts{""});
}

TEST_CASE("the relay's access: a token says what its holder may do, seen from the path that it asks for", "[examples]") {
    const Scene scene;
    const std::string claims = R"({"root":"demo","put":"me","get":["","x/y"],"exp":1800000009})";
    const auto at_root = scene.asks_for("/", claims);
    CHECK(published(at_root) == Texts{"demo/me"});
    CHECK(watched(at_root) == Texts{"demo"});
    CHECK(at_root.expires == now + 9s);
    CHECK(published(scene.asks_for("/demo/", claims)) == Texts{"me"});
    const auto below = scene.asks_for("/demo/me/1", claims);
    CHECK(published(below) == Texts{""});
    CHECK(watched(below) == Texts{""});
    // One of the two is enough.
    const auto other = scene.asks_for("/demo/other", claims);
    CHECK(published(other).empty());
    CHECK(watched(other) == Texts{""});
    // What is public is not added.
    for (const auto *path : {"/open", "/dem", "/demos", "/x"}) {
        INFO(path);
        const auto refused = scene.asks_for(path, claims);
        CHECK_FALSE(refused.views);
        CHECK(refused.status == 403);
    }
}

TEST_CASE("the relay's access: a token that is worth nothing opens nothing, not even what is public", "[examples]") {
    const Scene scene;
    const Maker stranger("HS256");
    const std::string claims = R"({"get":"","put":""})";
    for (const std::string &token : Texts{stranger.token(claims), scene.maker.token(R"({"get":"","exp":1799999999})"), scene.maker.token(R"({"get":"","nbf":1800000009})"),
                                          scene.maker.token(R"({"get":"","aud":"x"})"), scene.maker.token("{}"), scene.maker.token(claims) + 'A',
                                          token_maker::base64url(R"({"alg":"none"})") + '.' + token_maker::base64url(claims) + '.', "nonsense", "a.b.c"}) {
        for (const auto *path : {"/", "/open", "/open/x", "/elsewhere"}) {
            INFO(path << ' ' << token);
            const auto refused = scene.shows(path, token);
            CHECK_FALSE(refused.views);
            CHECK(refused.status == 401);
            CHECK(token.find(refused.reason) == std::string::npos);
        }
    }
}

TEST_CASE("the relay's access: another relay may do everything while its certificate is valid", "[examples]") {
    Scene scene;
    const auto at_root = admit_relay("/", scene.rights, scene.origin, now);
    CHECK(watched(at_root) == Texts{""});
    CHECK(published(at_root) == Texts{""});
    CHECK(at_root.expires == now);
    CHECK(published(admit_relay("/any/where?jwt=nonsense", scene.rights, scene.origin, now)) == Texts{""});
    scene.rights.allow("tenant");
    CHECK(published(admit_relay("/", scene.rights, scene.origin, now)) == Texts{"tenant"});
    CHECK(admit_relay("/other", scene.rights, scene.origin, now).status == 403);
}

TEST_CASE("the relay's access: a limit for both holds for tokens, too", "[examples]") {
    Scene scene;
    scene.rights.allow("tenant");
    CHECK(watched(scene.asks_for("/", R"({"get":""})")) == Texts{"tenant"});
    CHECK_FALSE(scene.asks_for("/other", R"({"get":""})").views);
}

}
