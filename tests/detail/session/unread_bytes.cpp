#include <comoq/detail/session/unread_bytes.hpp>

#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>

#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/seed.hpp"

namespace unread_bytes_tests {

using namespace comoq;
using namespace comoq::test;
using comoq::detail::UnreadBytes;

namespace {

std::string text_of(std::span<const std::byte> bytes) {
    std::string text;
    for (const std::byte each : bytes) text.push_back(static_cast<char>(each));
    return text;
}

}  // namespace

TEST_CASE("unread bytes: what is taken is a part of the piece that came, and is not copied", "[unread_bytes]") {
    UnreadBytes unread;
    CHECK(unread.empty());
    const Bytes piece = payload("abcdef");
    unread.add(piece);
    const Bytes taken = unread.take(2);
    CHECK(taken.view() == "ab");
    CHECK(taken.data() == piece.data());
    CHECK(text_of(unread.span()) == "cdef");
    unread.consume(4);
    CHECK(unread.empty());
    const Bytes next = payload("gh");
    unread.add(next);
    CHECK(unread.span().data() == next.data());
}

TEST_CASE("unread bytes: a piece of which everything was read is not kept", "[unread_bytes]") {
    UnreadBytes unread;
    const auto owner = std::make_shared<int>(0);
    const std::string text = "abcd";
    unread.add(Bytes(owner, std::as_bytes(std::span(text))));
    unread.consume(3);
    CHECK(owner.use_count() == 2);
    unread.consume(1);
    CHECK(owner.use_count() == 1);
    CHECK(unread.empty());
}

TEST_CASE("unread bytes: what is taken compactly keeps no more alive than twice its size", "[unread_bytes]") {
    UnreadBytes unread;
    const auto owner = std::make_shared<int>(0);
    const std::string text = "abcdefgh";
    const auto held_by = [&](std::size_t count) {
        unread.add(Bytes(owner, std::as_bytes(std::span(text))));
        const Bytes taken = unread.take_compact(count);
        CHECK(taken.view() == text.substr(0, count));
        CHECK(unread.size() == text.size() - count);
        unread.consume(unread.size());
        return owner.use_count() - 1;
    };
    CHECK(held_by(3) == 0);
    CHECK(held_by(4) == 1);
    CHECK(held_by(8) == 1);
}

TEST_CASE("unread bytes: whatever pieces come, and whatever is taken of them, the order stays", "[unread_bytes]") {
    std::mt19937_64 random(seed("unread bytes"));
    UnreadBytes unread;
    std::string expected;
    bool same = true;
    for (int step = 0; step < 2000; ++step) {
        if (random() % 2 == 0) {
            const std::string piece(random() % 20, static_cast<char>('a' + step % 26));
            unread.add(payload(piece));
            expected += piece;
        } else {
            const auto count = static_cast<std::size_t>(random() % (expected.size() + 1));
            same = same && unread.take(count).view() == std::string_view(expected).substr(0, count);
            expected.erase(0, count);
        }
        same = same && unread.size() == expected.size() && text_of(unread.span()) == expected;
    }
    CHECK(same);
}

}
