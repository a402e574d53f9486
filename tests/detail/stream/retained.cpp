#include <comoq/detail/stream/retained.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/seed.hpp"

namespace retained_tests {

using namespace comoq;
using comoq::detail::Aftermath;
using comoq::detail::Retained;

namespace {

std::string unsent_text(const Retained &retained, std::size_t most = 1000) {
    std::string text;
    retained.look(most, [&](std::span<const std::byte> part) {
        text.append(reinterpret_cast<const char *>(part.data()), part.size());
    });
    return text;
}
void keep(Retained &retained, std::string_view text) {
    Bytes payload = Bytes::copy(text);
    const auto all = payload.span();
    retained.keep(all, std::move(payload));
}

}  // namespace

TEST_CASE("retained data: what has been sent once is not offered again, and stays until it is released", "[stream]") {
    Retained retained;
    CHECK(unsent_text(retained).empty());
    const std::string head = "ab";
    retained.keep(std::as_bytes(std::span(head)), Bytes());
    keep(retained, "cdef");
    keep(retained, "");
    CHECK(retained.size() == 6);
    CHECK(unsent_text(retained) == "abcdef");
    CHECK(unsent_text(retained, 1) == "ab");
    retained.sent(3);
    CHECK(unsent_text(retained) == "def");
    CHECK(retained.unsent() == 3);
    CHECK(retained.size() == 6);
    Aftermath after;
    retained.release(1, after);
    CHECK(retained.size() == 5);
    CHECK(unsent_text(retained) == "def");
    retained.sent(3);
    retained.release(5, after);
    CHECK(retained.size() == 0);
    CHECK(retained.unsent() == 0);
}

TEST_CASE("retained data: its payloads end after the lock, when they are released or all are dropped", "[stream]") {
    Retained retained;
    auto owner = std::make_shared<std::string>("payload");
    const std::weak_ptr<std::string> alive = owner;
    Bytes payload(owner, std::as_bytes(std::span(*owner)));
    owner.reset();
    const auto all = payload.span();
    retained.keep(all, std::move(payload));
    keep(retained, "x");
    retained.sent(8);
    {
        Aftermath after;
        retained.release(6, after);
        CHECK_FALSE(alive.expired());
        SECTION("released") { retained.release(1, after); }
        SECTION("dropped") { retained.clear(after); }
        CHECK_FALSE(alive.expired());
    }
    CHECK(alive.expired());
}

TEST_CASE("retained data: bytes stay in place and in order, whatever is kept, sent and released", "[stream]") {
    std::mt19937_64 random(test::seed("retained data"));
    Retained retained;
    std::string model;  // of what is kept
    std::size_t sent = 0;
    std::deque<std::pair<const std::byte *, char>> places;  // of each byte that was offered and not released
    char next = 0;
    for (int i = 0; i < 20'000; ++i) {
        Aftermath after;
        switch (random() % 3) {
        case 0: {
            std::string text;
            for (std::size_t size = random() % 40; size != 0; --size) text += next++;
            if (text.size() <= 16 && random() % 2 != 0)
                retained.keep(std::as_bytes(std::span(text)), Bytes());
            else
                keep(retained, text);
            model += text;
            break;
        }
        case 1: {
            const std::size_t count = random() % (retained.unsent() + 1);
            std::size_t left = count;
            retained.look(1000, [&](std::span<const std::byte> part) {
                for (std::size_t each = 0; each < part.size() && left != 0; ++each, --left)
                    places.emplace_back(part.data() + each, static_cast<char>(part[each]));
            });
            retained.sent(count);
            sent += count;
            break;
        }
        default: {
            const std::size_t count = random() % (sent + 1);
            for (std::size_t each = 0; each < count; ++each) {
                REQUIRE(static_cast<char>(*places.front().first) == places.front().second);
                places.pop_front();
            }
            retained.release(count, after);
            model.erase(0, count);
            sent -= count;
            break;
        }
        }
        REQUIRE(retained.size() == model.size());
        REQUIRE(retained.unsent() == model.size() - sent);
        REQUIRE(unsent_text(retained) == model.substr(sent));
    }
}

}
