// Namespaces as paths, and back.
#include <comoq/detail/ietf/namespace_path.hpp>

#include <cstddef>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/seed.hpp"

namespace namespace_path_tests {

using namespace comoq;
using namespace comoq::test;
using ietf::Namespace;
using ietf::namespace_of;
using ietf::path_of;

TEST_CASE("namespace paths: fields stand between slashes, and what a path cannot have is escaped", "[ietf]") {
    CHECK(path_of({}) == "");
    CHECK(path_of({"room", "42"}) == "room/42");
    CHECK(path_of({"a/b", "c\\d"}) == "a\\/b/c\\\\d");
    CHECK(path_of({std::string("\0\n\xff", 3)}) == "\\x00\\x0a\\xff");
    CHECK(path_of({"\xc2\x80"}) == "\\xc2\\x80");
    CHECK(path_of({"gr\xc3\xbc\xc3\x9f"}) == "gr\xc3\xbc\xc3\x9f");
    CHECK(path_of({"/"}) != path_of({"\\/"}));
    CHECK(path_of({"a/b"}) != path_of({"a", "b"}));
    CHECK(path_of({"a/", "b"}) == "a\\x2f/b");
    // More parts than a path has.
    CHECK_FALSE(path_of({std::string(40, '/')}));
    CHECK_FALSE(path_of({std::string(4'096, '\\')}));
}

TEST_CASE("namespace paths: a path that is not written for any namespace has none", "[ietf]") {
    CHECK(namespace_of("") == Namespace());
    CHECK(namespace_of("a/b") == Namespace{"a", "b"});
    CHECK_FALSE(namespace_of("a\\"));
    CHECK_FALSE(namespace_of("\\a"));
    CHECK_FALSE(namespace_of("\\x"));
    CHECK_FALSE(namespace_of("\\x6"));
    CHECK_FALSE(namespace_of("\\x61"));
    CHECK_FALSE(namespace_of("\\xFF"));
    CHECK(namespace_of("\\xff") == Namespace{"\xff"});
}

TEST_CASE("namespace paths: a namespace comes back from its path", "[ietf]") {
    std::mt19937_64 random(seed("namespace paths"));
    const std::string some = std::string("/\\x0aZ\xc2\x80\xff\n.", 12);
    for (int round = 0; round < 20'000; ++round) {
        Namespace space(random() % 5);
        for (auto &field : space)
            for (auto left = 1 + random() % 6; left != 0; --left) field += some[random() % some.size()];
        const auto path = path_of(space);
        if (!path) continue;
        CHECK(namespace_of(*path) == space);
    }
}

}  // namespace namespace_path_tests
