#include <comoq/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <system_error>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"

namespace bytes_tests {

using comoq::Bytes;
using comoq::test::AllocationCount;

static_assert(std::is_nothrow_default_constructible_v<Bytes>);
static_assert(std::is_nothrow_move_constructible_v<Bytes> && std::is_nothrow_move_assignable_v<Bytes>);
static_assert(std::is_nothrow_copy_constructible_v<Bytes>);
static_assert(std::is_convertible_v<std::vector<std::byte>, Bytes> && std::is_convertible_v<std::string, Bytes>);
static_assert(std::is_convertible_v<std::vector<std::uint8_t>, Bytes>);
static_assert(!std::is_constructible_v<Bytes, std::string &> &&
                  !std::is_constructible_v<Bytes, std::vector<std::byte> &>,
              "a copy must be asked for by name");

namespace {

const std::string text = "a payload that is longer than any string object";

std::span<const std::byte> bytes_of(std::string_view from) { return std::as_bytes(std::span(from)); }

}  // namespace

TEST_CASE("section 6 bytes: a moved buffer is not copied and stays where it is", "[bytes]") {
    std::vector<std::byte> raw(100'000, std::byte{7});
    const auto *raw_at = raw.data();
    std::vector<std::uint8_t> octets(100'000, 8);
    const void *octets_at = octets.data();
    std::string string = text;
    const void *string_at = string.data();

    AllocationCount count;
    const auto live = comoq::test::live_bytes();
    const Bytes a(std::move(raw));
    const Bytes b(std::move(octets));
    const Bytes c(std::move(string));
    const auto made = count.made();
    const auto grown = comoq::test::live_bytes() - live;

    CHECK(made == 3);
    CHECK(grown < 1'000);
    CHECK(a.data() == raw_at);
    CHECK(a.size() == 100'000);
    CHECK(b.data() == octets_at);
    CHECK(b.size() == 100'000);
    CHECK(b.span()[99'999] == std::byte{8});
    CHECK(c.data() == string_at);
    CHECK(c.view() == text);
}

TEST_CASE("section 6 bytes: a string too short to have a buffer is kept, too", "[bytes]") {
    Bytes bytes;
    {
        std::string brief = "hi";
        bytes = Bytes(std::move(brief));
    }
    const Bytes copy = bytes;
    CHECK(copy.view() == "hi");
    CHECK(copy.data() == bytes.data());
}

TEST_CASE("section 6 bytes: copy makes one allocation and is independent of its source", "[bytes]") {
    std::string source = text;
    AllocationCount count;
    const auto from_view = Bytes::copy(std::string_view(source));
    const auto after_one = count.made();
    const auto from_span = Bytes::copy(bytes_of(source));
    const auto after_two = count.made();
    source.assign(source.size(), '?');
    CHECK(after_one == 1);
    CHECK(after_two == 2);
    CHECK(from_view.view() == text);
    CHECK(from_span.view() == text);
    CHECK(from_view.data() != from_span.data());
}

TEST_CASE("section 6 bytes: copies and slices share the buffer and keep it alive", "[bytes]") {
    std::weak_ptr<const void> watch;
    Bytes slice;
    {
        auto owner = std::make_shared<std::string>(text);
        watch = owner;
        const Bytes whole(owner, bytes_of(*owner));
        owner.reset();

        AllocationCount count;
        const Bytes copy = whole;
        slice = whole.slice(2, 7);
        const auto deeper = slice.slice(3);
        const auto made = count.made();
        CHECK(made == 0);
        CHECK(copy.data() == whole.data());
        CHECK(slice.data() == whole.data() + 2);
        CHECK(deeper.data() == whole.data() + 5);
        CHECK(deeper.view() == "load");
    }
    CHECK_FALSE(watch.expired());
    CHECK(slice.view() == "payload");
    slice = Bytes();
    CHECK(watch.expired());
}

TEST_CASE("section 6 bytes: slice stops at the end of the bytes, and refuses an offset beyond it", "[bytes]") {
    const auto bytes = Bytes::copy("0123456789");
    CHECK(bytes.slice(0) == bytes);
    CHECK(bytes.slice(0).data() == bytes.data());
    CHECK(bytes.slice(4).view() == "456789");
    CHECK(bytes.slice(4, 2).view() == "45");
    CHECK(bytes.slice(4, 6).view() == "456789");
    CHECK(bytes.slice(4, 7).view() == "456789");
    CHECK(bytes.slice(1, static_cast<std::size_t>(-1)).view() == "123456789");
    CHECK(bytes.slice(3, 0).empty());
    CHECK(bytes.slice(10).empty());
    CHECK(comoq::test::error_of([&] { static_cast<void>(bytes.slice(11)); }) == comoq::Error::BoundsExceeded);
    CHECK(comoq::test::error_of([&] { static_cast<void>(bytes.slice(static_cast<std::size_t>(-1), 1)); }) ==
          comoq::Error::BoundsExceeded);
    CHECK(Bytes().slice(0).empty());
    CHECK(comoq::test::error_of([] { static_cast<void>(Bytes().slice(1)); }) == comoq::Error::BoundsExceeded);
}

TEST_CASE("section 6 bytes: empty bytes allocate nothing and keep nothing alive", "[bytes]") {
    auto owner = std::make_shared<std::string>(text);
    std::vector<std::byte> reserved;
    reserved.reserve(100);
    AllocationCount count;
    const std::vector<Bytes> none;
    const Bytes a;
    const Bytes b = Bytes::copy("");
    const Bytes c = Bytes::copy(std::span<const std::byte>());
    const Bytes d(std::string{});
    const Bytes e(std::vector<std::uint8_t>{});
    const Bytes f(std::move(reserved));
    const Bytes g(owner, {});
    const auto made = count.made();
    CHECK(made == 0);
    for (const auto *bytes : {&a, &b, &c, &d, &e, &f, &g}) {
        CHECK(bytes->empty());
        CHECK(bytes->size() == 0);
        CHECK(bytes->data() == nullptr);
        CHECK(bytes->span().empty());
        CHECK(bytes->view().empty());
        CHECK(*bytes == Bytes());
    }
    const Bytes whole(owner, bytes_of(*owner));
    const auto nothing = whole.slice(text.size());
    CHECK(nothing.data() == nullptr);
    CHECK(owner.use_count() == 2);
}

TEST_CASE("section 6 bytes: an owner keeps the viewed bytes alive, and static bytes need no owner", "[bytes]") {
    static constexpr std::byte constant[] = {std::byte{1}, std::byte{2}};
    const Bytes fixed(nullptr, constant);
    CHECK(fixed.data() == constant);
    CHECK(fixed.size() == 2);

    auto owner = std::make_shared<std::string>(text);
    const auto *at = bytes_of(*owner).data();
    const Bytes owned(owner, bytes_of(*owner).subspan(2, 7));
    owner.reset();
    CHECK(owned.view() == "payload");
    CHECK(owned.data() == at + 2);
}

TEST_CASE("section 6 bytes: equality is by content", "[bytes]") {
    CHECK(Bytes::copy("abc") == Bytes::copy("abc"));
    CHECK(Bytes::copy("abc") == Bytes::copy("xabcx").slice(1, 3));
    CHECK(Bytes::copy("abc") != Bytes::copy("abd"));
    CHECK(Bytes::copy("abc") != Bytes::copy("abcd"));
    CHECK(Bytes::copy("abc") != Bytes());
    CHECK(Bytes::copy(std::string_view("a\0b", 3)) != Bytes::copy(std::string_view("a\0c", 3)));
    CHECK(Bytes() == Bytes());
}

TEST_CASE("section 6 bytes: moved-from bytes are empty", "[bytes]") {
    auto from = Bytes::copy("abc");
    const auto *at = from.data();
    Bytes to = std::move(from);
    CHECK(to.data() == at);
    CHECK(from.empty());  // NOLINT: the promise is that it is empty
    CHECK(from.data() == nullptr);
    CHECK(from == Bytes());

    Bytes assigned = Bytes::copy("other");
    assigned = std::move(to);
    CHECK(assigned.view() == "abc");
    CHECK(to.empty());
    CHECK(to.data() == nullptr);

    auto &self = assigned;
    assigned = self;
    CHECK(assigned.view() == "abc");
    assigned = std::move(self);
    CHECK(assigned.view() == "abc");
    assigned = {};
    CHECK(assigned.empty());
}

TEST_CASE("section 6 bytes: all memory is released", "[bytes]") {
    const auto before = comoq::test::live_allocations();
    {
        auto bytes = Bytes::copy(text);
        const auto slice = bytes.slice(3, 4);
        const Bytes moved(std::vector<std::byte>(1000));
        bytes = moved;
        CHECK(comoq::test::live_allocations() > before);
    }
    CHECK(comoq::test::live_allocations() == before);
}

TEST_CASE("section 6 bytes: threads share a buffer through handles of their own", "[bytes]") {
    std::weak_ptr<const void> watch;
    {
        auto owner = std::make_shared<std::string>(text);
        watch = owner;
        const Bytes whole(owner, bytes_of(*owner));
        owner.reset();
        std::vector<std::thread> threads;
        std::vector<std::size_t> equal(4);
        for (auto &mine : equal) {
            threads.emplace_back([&mine, bytes = whole] {
                for (std::size_t i = 0; i < 2'000; ++i) {
                    const auto slice = bytes.slice(i % text.size());
                    const auto copy = slice;
                    mine += copy.view() == std::string_view(text).substr(i % text.size());
                }
            });
        }
        for (auto &thread : threads) {
            thread.join();
        }
        CHECK(equal == std::vector<std::size_t>(4, 2'000));
        threads.clear();
    }
    CHECK(watch.expired());
}

}
