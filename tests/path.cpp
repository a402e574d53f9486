#include <comoq/path.hpp>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <ranges>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <fmt/format.h>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/naive_path.hpp"
#include "support/seed.hpp"

namespace path_tests {

using comoq::Error;
using comoq::Path;
using comoq::test::error_of;
using namespace std::string_literals;

static_assert(std::is_nothrow_default_constructible_v<Path>);
static_assert(std::is_nothrow_move_constructible_v<Path> && std::is_nothrow_move_assignable_v<Path>);
static_assert(std::is_copy_constructible_v<Path> && std::is_copy_assignable_v<Path>);
static_assert(std::is_convertible_v<const char *, Path> && std::is_convertible_v<std::string, Path>);
static_assert(std::is_convertible_v<std::string_view, Path>);
static_assert(std::ranges::forward_range<const Path> && std::ranges::common_range<const Path>);
static_assert(std::is_same_v<decltype(Path() <=> Path()), std::strong_ordering>);

namespace {

bool refused(const std::string &text) {
    return error_of([&] { return Path(text); }) == Error::InvalidPath;
}

std::vector<std::string> parts_of(const Path &path) { return {path.begin(), path.end()}; }

Path of_parts(std::size_t count) {
    Path path;
    for (std::size_t i = 0; i < count; ++i) {
        path = path.join("p");
    }
    return path;
}

}  // namespace

TEST_CASE("section 3: a path has no slash at either end", "[path]") {
    for (const char *text : {"room/42", "/room/42", "room/42/", "/room/42/", "///room/42////"}) {
        CHECK(Path(text).view() == "room/42");
        CHECK(Path(std::string(text)).view() == "room/42");
        CHECK(Path(std::string_view(text)).view() == "room/42");
    }
}

TEST_CASE("section 3: runs of slashes collapse", "[path]") {
    CHECK(Path("a//b").view() == "a/b");
    CHECK(Path("a///b////c").view() == "a/b/c");
    CHECK(Path("a///////////////////b").view() == "a/b");
    CHECK(Path("//").view() == "");
}

TEST_CASE("section 3: at most 32 parts, counted after normalisation", "[path]") {
    std::string text = "/";
    for (int i = 0; i < 32; ++i) {
        text += "part" + std::to_string(i) + (i % 3 == 0 ? "//" : "/");
    }
    CHECK(parts_of(text).size() == 32);
    CHECK(refused(text + "x"));
    CHECK(Path(of_parts(32).view()) == of_parts(32));
    CHECK(refused(std::string(of_parts(32).view()) + "/x"));
    CHECK(Path::max_parts == 32);
}

TEST_CASE("section 3: at most 4096 bytes, counted after normalisation", "[path]") {
    CHECK(Path(std::string(4096, 'a')).view().size() == 4096);
    CHECK(refused(std::string(4097, 'a')));
    CHECK(Path("//" + std::string(4000, 'a') + "///" + std::string(95, 'b') + "//").view().size() == 4096);
    CHECK(refused("//" + std::string(4000, 'a') + "///" + std::string(96, 'b') + "//"));
    CHECK(Path(std::string(100'000, '/') + "a").view() == "a");

    std::string accents;
    while (accents.size() < 4096) {
        accents += "\xc3\xa9";
    }
    CHECK(Path(accents).view() == accents);
    CHECK(refused(accents + "a"));
    CHECK(Path::max_bytes == 4096);
}

TEST_CASE("section 3: the limits hold for the result of join", "[path]") {
    CHECK(of_parts(20).join(of_parts(12)) == of_parts(32));
    CHECK(error_of([] { return of_parts(20).join(of_parts(13)); }) == Error::InvalidPath);
    const Path long_one(std::string(4000, 'a'));
    CHECK(long_one.join(std::string(95, 'b')).view().size() == 4096);
    CHECK(error_of([&] { return long_one.join(std::string(96, 'b')); }) == Error::InvalidPath);
    CHECK(Path(std::string(4096, 'a')).join("").view().size() == 4096);
    CHECK(Path().join(of_parts(32)) == of_parts(32));
}

TEST_CASE("section 3: a path is valid UTF-8 without control characters", "[path]") {
    for (const auto &text : {"\xc3\xa9t\xc3\xa9"s, "\xe6\x97\xa5\xe6\x9c\xac/\xf0\x9f\x98\x80"s, "\xc2\xa0"s, " "s,
                             "a b"s, "~"s, "\xef\xbf\xbf"s}) {
        CHECK(Path(text).view() == text);
        CHECK(Path("//" + text).view() == text);
    }
    for (const auto &bad : {"\0"s,
                            "\x01"s,
                            "\t"s,
                            "\n"s,
                            "\x1f"s,
                            "\x7f"s,
                            "\xc2\x80"s,
                            "\xc2\x85"s,
                            "\xc2\x9f"s,
                            "\x80"s,
                            "\xff"s,
                            "\xc0\x80"s,
                            "\xc1\xbf"s,
                            "\xe0\x9f\xbf"s,
                            "\xed\xa0\x80"s,
                            "\xed\xbf\xbf"s,
                            "\xf0\x8f\xbf\xbf"s,
                            "\xf4\x90\x80\x80"s,
                            "\xc3"s,
                            "\xe2\x82"s,
                            "\xf0\x9f\x98"s,
                            "\xc3/\xa9"s}) {
        CAPTURE(bad);
        CHECK(refused(bad));
        CHECK(refused("a/" + bad + "/b"));
        CHECK(refused("aaaaaaaaaaaa" + bad));
        CHECK(refused("\xc3\xa9" + bad + "\xc3\xa9"));
    }
    // A path is refused as a whole, also if only its end is bad.
    CHECK(refused(std::string(of_parts(31).view()) + "/a\x7f"));
}

TEST_CASE("section 3: a dot or two are ordinary parts", "[path]") {
    CHECK(Path("a/../b").view() == "a/../b");
    CHECK(Path("..").view() == "..");
    CHECK(Path("./a").view() == "./a");
    CHECK(Path("a").join("../b").view() == "a/../b");
    CHECK(Path("a/../b") != Path("b"));
}

TEST_CASE("section 3: prefix tests are by whole parts", "[path]") {
    CHECK(Path("foo/bar").has_prefix("foo"));
    CHECK(Path("foo").has_prefix("foo"));
    CHECK_FALSE(Path("foobar").has_prefix("foo"));
    CHECK_FALSE(Path("foo").has_prefix("foo/bar"));
    CHECK(Path("foo/bar").has_prefix("/foo/"));

    CHECK(Path("foo/bar/baz").strip_prefix("foo") == Path("bar/baz"));
    CHECK(Path("foo/bar").strip_prefix("foo/bar") == Path());
    CHECK(Path("foobar").strip_prefix("foo") == std::nullopt);
    CHECK(Path("foo").strip_prefix("foo/bar") == std::nullopt);
}

TEST_CASE("section 3: the empty path is the root and a prefix of everything", "[path]") {
    const Path root;
    CHECK(root.empty());
    CHECK(root.view() == "");
    CHECK(root == Path(""));
    CHECK(root == Path("///"));
    CHECK(root.begin() == root.end());
    CHECK(root.has_prefix(root));
    CHECK(Path("a/b").has_prefix(root));
    CHECK(Path("a/b").strip_prefix(root) == Path("a/b"));
    CHECK(root.strip_prefix(root) == root);
    CHECK_FALSE(root.has_prefix("a"));
    CHECK(root.join(root) == root);
    CHECK(root.join("a") == Path("a"));
    CHECK(Path("a").join(root) == Path("a"));
    CHECK_FALSE(Path("a").empty());
}

TEST_CASE("section 3: join puts one path below the other, and strip_prefix takes it out again", "[path]") {
    CHECK(Path("a/b").join("c/d").view() == "a/b/c/d");
    CHECK(Path("a").join("//b//").view() == "a/b");
    CHECK(error_of([] { return Path("a").join("b\n"); }) == Error::InvalidPath);

    std::mt19937_64 random(comoq::test::seed("path join"));
    for (int round = 0; round < 5'000; ++round) {
        const Path head(comoq::test::naive_path("", comoq::test::random_path_text(random)).value_or("h"));
        const Path tail(comoq::test::naive_path("", comoq::test::random_path_text(random)).value_or("t"));
        const auto expected = comoq::test::naive_path(head.view(), tail.view());
        CAPTURE(head.view(), tail.view());
        if (!expected) {
            REQUIRE(error_of([&] { return head.join(tail); }) == Error::InvalidPath);
            continue;
        }
        const auto joined = head.join(tail);
        REQUIRE(joined.view() == *expected);
        REQUIRE(joined.has_prefix(head));
        REQUIRE(joined.strip_prefix(head) == tail);
    }
}

TEST_CASE("section 3: iteration goes over the parts", "[path]") {
    CHECK(parts_of("room/42/alice") == std::vector<std::string>{"room", "42", "alice"});
    CHECK(parts_of("one") == std::vector<std::string>{"one"});
    CHECK(parts_of("").empty());

    const Path path("a/bc/d");
    auto it = path.begin();
    CHECK(*it == "a");
    CHECK(*it++ == "a");
    CHECK(*it == "bc");
    CHECK(it != path.begin());
    CHECK(it == std::next(path.begin()));
    CHECK(*++it == "d");
    CHECK(it != path.end());
    CHECK(++it == path.end());
    CHECK((*path.begin()).data() == path.view().data());
    CHECK(std::ranges::count(path, std::string_view("bc")) == 1);
    CHECK(Path::iterator() == Path::iterator());
}

TEST_CASE("section 3: paths are ordered by their bytes", "[path]") {
    CHECK(Path() < Path("a"));
    CHECK(Path("a") < Path("a-b"));
    CHECK(Path("a-b") < Path("a/b"));
    CHECK(Path("a/b") < Path("ab"));
    CHECK(Path("z") < Path("\xc3\xa9"));
    CHECK(Path("a") <= Path("/a/"));
    CHECK((Path("b") <=> Path("a")) == std::strong_ordering::greater);
    const std::set<Path> sorted = {"b", "a/b", "a", "/a//b"};
    CHECK(std::vector<Path>(sorted.begin(), sorted.end()) == std::vector<Path>{"a", "a/b", "b"});
}

TEST_CASE("section 3: equal paths have equal hashes, and a hash table finds them", "[path]") {
    const std::hash<Path> hash;
    CHECK(hash("a//b/") == hash("a/b"));
    CHECK(hash("a/b") == std::hash<std::string_view>()("a/b"));
    std::unordered_set<Path> set = {"a/b", "/a/b/", "c"};
    CHECK(set.size() == 2);
    CHECK(set.contains("c/"));
}

TEST_CASE("section 7: {\"ab\",\"c\"} does not equal {\"a\",\"bc\"}", "[path]") {
    const auto one = Path("ab").join("c");
    const auto other = Path("a").join("bc");
    CHECK(one != other);
    CHECK(one != Path("abc"));
    CHECK(std::is_neq(one <=> other));
    CHECK(std::hash<Path>()(one) != std::hash<Path>()(other));
    CHECK(parts_of(one) != parts_of(other));
    CHECK_FALSE(one.has_prefix("a"));
    const std::map<Path, int> table = {{one, 1}, {other, 2}};
    CHECK(table.at("ab/c") == 1);
    CHECK(table.at("a/bc") == 2);
}

TEST_CASE("section 3: fmt formats a path as its text", "[path]") {
    CHECK(fmt::format("{}", Path("/room//42")) == "room/42");
    CHECK(fmt::format("[{:>6}]", Path("a/b")) == "[   a/b]");
    CHECK(fmt::format("[{}]", Path()) == "[]");
}

TEST_CASE("section 3: looking a path up does not allocate when it arrives as a string_view", "[path]") {
    using comoq::detail::PathEqual;
    using comoq::detail::PathHash;
    std::unordered_map<Path, int, PathHash, PathEqual> table;
    const Path key("room/with/a/long/name/that/fits/no/string/object/alice");
    table.emplace(key, 7);
    const std::string text(key.view());
    for (const auto &raw : {text, "//" + text + "/", "other/" + text}) {
        comoq::test::AllocationCount count;
        const comoq::detail::AbsolutePath path({}, raw);
        const auto found = table.find(path.view());
        const auto made = count.made();
        CHECK(made == 0);
        CHECK((found != table.end()) == (path.view() == key.view()));
    }
    CHECK(PathEqual()(key.view(), key));
    CHECK(PathEqual()(key, key.view()));
    CHECK_FALSE(PathEqual()(key, Path()));
}

TEST_CASE("section 3: normalised text becomes a path without being looked at again", "[path]") {
    const auto path = comoq::detail::PathAccess::make("a/b");
    CHECK(path == Path("a/b"));
}

TEST_CASE("section 3: Path agrees with a plain reference on random text", "[path]") {
    std::mt19937_64 random(comoq::test::seed("path"));
    for (int round = 0; round < 20'000; ++round) {
        const auto text = comoq::test::random_path_text(random);
        const auto expected = comoq::test::naive_path("", text);
        std::optional<std::string> got;
        const auto ec = error_of([&] { got = Path(text).view(); });
        if (got != expected || ec != (expected ? std::error_code() : std::error_code(Error::InvalidPath))) {
            CAPTURE(round, text, ec);
            REQUIRE(got == expected);
        }
    }
}

}
