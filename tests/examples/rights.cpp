// Who may publish at the relay, and who may watch there.
#include "relay/rights.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <comoq/origin.hpp>

#include "shared/command_line.hpp"

#include "support/catch.hpp"
#include "support/path_texts.hpp"

namespace rights_tests {

using namespace comoq;
using comoq::test::Texts;
using comoq::test::texts_of;

namespace {

const Texts everything{""}, nothing{};

/// Where a client that asks for `target` may publish, and what it may watch, below its root.
struct Given {
    Given(const Rights &rights, std::string_view target) {
        const Origin origin;
        const auto views = rights.at(target, origin);
        is_admitted = views.has_value();
        if (views && views->publish) watches = texts_of(views->publish->allowed());
        if (views && views->subscribe) publishes = texts_of(views->subscribe->allowed());
    }
    bool is_admitted = false;
    Texts publishes, watches;
};

}  // namespace

TEST_CASE("the relay's rights: everything is allowed until something is said", "[examples]") {
    const Rights rights;
    for (const auto *target : {"", "/", "/a/b?jwt=x"}) {
        const Given given(rights, target);
        CHECK(given.publishes == everything);
        CHECK(given.watches == everything);
    }
    CHECK_FALSE(Given(rights, "/a\nb").is_admitted);
}

TEST_CASE("the relay's rights: who may publish is not who may watch", "[examples]") {
    Rights rights;
    rights.let_publish("anon");
    rights.let_publish("live/studio/**");
    const Given root(rights, "/");
    CHECK(root.publishes == Texts{"anon", "live/studio"});
    CHECK(root.watches == everything);
    const Given live(rights, "/live?jwt=x");
    CHECK(live.publishes == Texts{"studio"});
    CHECK(live.watches == everything);
    CHECK(Given(rights, "/live/studio/2").publishes == everything);
    CHECK(Given(rights, "/anon").publishes == everything);
    // By whole parts.
    const Given elsewhere(rights, "/anonymous");
    CHECK(elsewhere.publishes == nothing);
    CHECK(elsewhere.watches == everything);
}

TEST_CASE("the relay's rights: a client that may neither publish nor watch is not admitted", "[examples]") {
    Rights rights;
    rights.let_publish("a");
    rights.let_watch("b/**");
    CHECK(Given(rights, "/a").is_admitted);
    CHECK(Given(rights, "/a").watches == nothing);
    CHECK(Given(rights, "/b").is_admitted);
    CHECK(Given(rights, "/b").publishes == nothing);
    CHECK_FALSE(Given(rights, "/c").is_admitted);
    CHECK(Given(rights, "/").is_admitted);
}

TEST_CASE("the relay's rights: an empty pattern is nothing, and two stars are everything", "[examples]") {
    Rights rights;
    rights.let_publish("");
    rights.let_watch("**");
    const Given given(rights, "/a");
    CHECK(given.publishes == nothing);
    CHECK(given.watches == everything);
    rights.let_watch("");
    CHECK(Given(rights, "/a").watches == everything);
}

TEST_CASE("the relay's rights: what is allowed to both limits each", "[examples]") {
    Rights rights;
    rights.allow("tenant");
    rights.let_publish("tenant/a/**");
    rights.let_publish("elsewhere/**");
    const Given given(rights, "/");
    CHECK(given.publishes == Texts{"tenant/a"});
    CHECK(given.watches == Texts{"tenant"});
    CHECK_FALSE(Given(rights, "/elsewhere").is_admitted);
    CHECK(Given(rights, "/tenant/b").publishes == nothing);
}

TEST_CASE("the relay's rights: a pattern that means something else elsewhere is refused", "[examples]") {
    Rights rights;
    for (const auto *pattern : {"*", "anon/*", "a/*/b", "a/**/b", "**/a", "a**", "a*/**"}) {
        INFO(pattern);
        CHECK_THROWS_AS(rights.let_publish(pattern), UsageError);
        CHECK_THROWS_AS(rights.let_watch(pattern), UsageError);
    }
    CHECK_THROWS_AS(rights.let_publish("a\nb"), UsageError);
    CHECK_THROWS_AS(rights.allow("a\nb"), UsageError);
    // An empty limit is none.
    for (const auto *empty : {"", "/", "//"}) CHECK_THROWS_AS(rights.allow(empty), UsageError);
}

}
