#include <comoq/detail/text/path_text.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/naive_path.hpp"
#include "support/seed.hpp"

namespace path_text_tests {

using comoq::detail::AbsolutePath;
using comoq::detail::has_prefix;
using comoq::detail::is_hidden;
using comoq::detail::parent;
using comoq::detail::part_count;
using comoq::detail::strip_prefix;
using comoq::detail::take_part;

namespace {

std::optional<std::string> absolute(std::string_view root, std::string_view text) {
    const AbsolutePath path(root, text);
    return path.valid() ? std::optional(std::string(path.view())) : std::nullopt;
}

std::string repeated(std::string_view piece, std::size_t times) {
    std::string text;
    for (std::size_t i = 0; i < times; ++i) {
        text += piece;
    }
    return text;
}

}  // namespace

TEST_CASE("section 3: a path is made absolute below a root", "[path_text]") {
    CHECK(absolute("", "") == "");
    CHECK(absolute("", "/") == "");
    CHECK(absolute("", "a/b") == "a/b");
    CHECK(absolute("r", "") == "r");
    CHECK(absolute("r", "///") == "r");
    CHECK(absolute("r/s", "a/b") == "r/s/a/b");
    CHECK(absolute("r/s", "//a///b/") == "r/s/a/b");
    CHECK(absolute("r/s", "../a") == "r/s/../a");
    CHECK(absolute("r", "\xc3\xa9//\xc3\xa9") == "r/\xc3\xa9/\xc3\xa9");
    CHECK(absolute("r", "a\n") == std::nullopt);
    CHECK(absolute("r", "a//\n") == std::nullopt);
    CHECK(absolute("r", "\xff") == std::nullopt);
}

TEST_CASE("section 3: an invalid path has no text", "[path_text]") {
    const AbsolutePath path("room", "a//b/\x7f");
    CHECK_FALSE(path.valid());
    CHECK(path.view().empty());
}

TEST_CASE("section 3: the limits hold for the absolute path, after normalisation", "[path_text]") {
    const auto root = repeated("r/", 29) + "r";
    for (const std::string_view separator : {"/", "//"}) {
        const std::string joined(separator);
        CAPTURE(joined);
        CHECK(absolute(root, "a" + joined + "b") == root + "/a/b");
        CHECK(absolute(root, "a" + joined + "b" + joined + "c") == std::nullopt);
        CHECK(absolute("", repeated("x" + joined, 32)) == repeated("x/", 31) + "x");
        CHECK(absolute("", repeated("x" + joined, 33)) == std::nullopt);
    }
    // In bytes: plain, with slashes to collapse, and beyond ASCII. With the root and the slash after it, 96 are left.
    const std::string long_root(3999, 'r');
    for (const std::string_view start : {"a", "a//b", "\xc3\xa9"}) {
        const std::string text(start);
        const auto size = text == "a//b" ? 3 : text.size();
        const auto whole = text == "a//b" ? "a/b" : text;
        CHECK(absolute(long_root, text + std::string(96 - size, 'z')) ==
              long_root + "/" + whole + std::string(96 - size, 'z'));
        CHECK(absolute(long_root, text + std::string(97 - size, 'z')) == std::nullopt);
        CHECK(absolute("", text + std::string(4096 - size, 'z')) == whole + std::string(4096 - size, 'z'));
        CHECK(absolute("", text + std::string(4097 - size, 'z')) == std::nullopt);
    }
    const std::string full_root(4096, 'r');
    CHECK(absolute(full_root, "/") == full_root);
    CHECK(absolute(full_root, "a") == std::nullopt);
    CHECK(absolute(std::string(4094, 'r'), "a") == std::string(4094, 'r') + "/a");
    CHECK(absolute(std::string(4095, 'r'), "a") == std::nullopt);
    CHECK(absolute("", std::string(1'000'000, '/') + "a" + std::string(1'000'000, '/') + "b") == "a/b");
    CHECK(absolute("", std::string(1'000'000, 'a')) == std::nullopt);
    CHECK(absolute("", repeated("a/", 500'000)) == std::nullopt);
}

TEST_CASE("section 3: looking a path up does not allocate", "[path_text]") {
    const std::string long_text = repeated("//part\xc3\xa9", 30);
    for (const std::string_view root : {"", "room", "room/with/a/long/name/that/fits/no/string/object"}) {
        for (const std::string_view text :
             {std::string_view(""), std::string_view("room/42/alice"), std::string_view("/room//42/"),
              std::string_view("\xc3\xa9t\xc3\xa9"), std::string_view("bad\npath"), std::string_view(long_text)}) {
            comoq::test::AllocationCount count;
            const AbsolutePath path(root, text);
            const bool prefixed = has_prefix(path.view(), root);
            const auto rest = strip_prefix(path.view(), root);
            const auto above = parent(path.view());
            const auto made = count.made();
            CAPTURE(root, text);
            CHECK(made == 0);
            CHECK(prefixed == (path.valid() || root.empty()));
            CHECK(rest.has_value() == prefixed);
            CHECK(above.size() <= path.view().size());
        }
    }
}

TEST_CASE("section 3: normalised text is not copied", "[path_text]") {
    const std::string text = "/room/42/alice/";
    CHECK(AbsolutePath("", text).view().data() == text.data() + 1);
    const std::string root = "room/42";
    CHECK(AbsolutePath(root, "/").view().data() == root.data());
    const AbsolutePath copied("", "room//42");
    const auto *first = reinterpret_cast<const char *>(&copied);
    CHECK(copied.view().data() >= first);
    CHECK(copied.view().data() + copied.view().size() <= first + sizeof copied);
}

TEST_CASE("section 3: nothing beyond the text is read", "[path_text]") {
    // On the heap, and exactly as long as the text, so that a sanitizer sees a read beyond either end.
    for (const std::string_view text :
         {"a", "abcdefg", "abcdefgh", "abcdefghi", "room/42/alice", "a//b", "abc\xc3\xa9", "abc\xe2\x82"}) {
        const auto exact = std::make_unique<char[]>(text.size());
        text.copy(exact.get(), text.size());
        const std::string_view view(exact.get(), text.size());
        CHECK(absolute("", view) == comoq::test::naive_path("", text));
        CHECK(absolute("root", view) == comoq::test::naive_path("root", text));
    }
}

TEST_CASE("section 3: normalisation agrees with a plain reference on random text", "[path_text]") {
    std::mt19937_64 random(comoq::test::seed("path_text"));
    std::size_t valid = 0;
    const std::size_t rounds = 60'000;
    for (std::size_t round = 0; round < rounds; ++round) {
        std::string root;
        if (random() % 2 == 0) {
            root = comoq::test::naive_path("", comoq::test::random_path_text(random)).value_or("");
        }
        const auto text = comoq::test::random_path_text(random);
        const auto expected = comoq::test::naive_path(root, text);
        valid += expected.has_value();
        if (absolute(root, text) != expected) {
            CAPTURE(round, root, text);
            REQUIRE(absolute(root, text) == expected);
        }
    }
    CHECK(valid > rounds / 4);
    CHECK(valid < rounds - rounds / 20);
}

TEST_CASE("section 3: prefix tests of text are by whole parts", "[path_text]") {
    CHECK(has_prefix("foo", "foo"));
    CHECK(has_prefix("foo/bar", "foo"));
    CHECK(has_prefix("foo/bar/baz", "foo/bar"));
    CHECK_FALSE(has_prefix("foobar", "foo"));
    CHECK_FALSE(has_prefix("foo", "foo/bar"));
    CHECK_FALSE(has_prefix("foo/barbaz", "foo/bar"));
    CHECK_FALSE(has_prefix("bar/foo", "foo"));
    CHECK(has_prefix("foo", ""));
    CHECK(has_prefix("", ""));
    CHECK_FALSE(has_prefix("", "foo"));

    CHECK(strip_prefix("foo/bar/baz", "foo") == "bar/baz");
    CHECK(strip_prefix("foo/bar/baz", "foo/bar") == "baz");
    CHECK(strip_prefix("foo", "foo") == "");
    CHECK(strip_prefix("foo", "") == "foo");
    CHECK(strip_prefix("", "") == "");
    CHECK(strip_prefix("foobar", "foo") == std::nullopt);
    CHECK(strip_prefix("foo", "foo/bar") == std::nullopt);
}

TEST_CASE("section 3: parts are counted, split off and left out", "[path_text]") {
    CHECK(part_count("") == 0);
    CHECK(part_count("a") == 1);
    CHECK(part_count("a/b/c") == 3);

    CHECK(parent("a/b/c") == "a/b");
    CHECK(parent("a/b") == "a");
    CHECK(parent("a") == "");
    CHECK(parent("") == "");

    std::string_view rest = "//ab/c//";
    CHECK(take_part(rest) == "ab");
    CHECK(take_part(rest) == "c");
    CHECK(take_part(rest) == "");
    CHECK(rest.empty());
}

TEST_CASE("section 3: a path is hidden if any of its parts begins with a dot", "[path]") {
    for (const auto *hidden : {".", "..", ".a", ".a/b", "a/.b", "a/.b/c", "a/b/..", "a./.b"}) {
        INFO(hidden);
        CHECK(is_hidden(hidden));
    }
    for (const auto *seen : {"", "a", "a.b", "a./b", "a/b.", "a.../b"}) {
        INFO(seen);
        CHECK_FALSE(is_hidden(seen));
    }
}

}
