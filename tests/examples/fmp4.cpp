#include "shared/fmp4.hpp"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "support/seed.hpp"

namespace fmp4_tests {

using namespace std::string_literals;

namespace {

fmp4::Block bytes_of(std::string_view text) { return {reinterpret_cast<const std::byte *>(text.data()), text.size()}; }

std::string text_in(fmp4::Block block) { return {reinterpret_cast<const char *>(block.data()), block.size()}; }

std::string big_endian(std::uint64_t value, int width) {
    std::string bytes;
    for (int shift = 8 * (width - 1); shift >= 0; shift -= 8) {
        bytes += static_cast<char>(value >> shift & 0xFF);
    }
    return bytes;
}

std::string box(std::string_view type, std::string_view payload = {}) {
    return big_endian(8 + payload.size(), 4).append(type).append(payload);
}

std::string large_box(std::string_view type, std::string_view payload = {}) {
    return big_endian(1, 4).append(type) + big_endian(16 + payload.size(), 8).append(payload);
}

std::string endless_box(std::string_view type, std::string_view payload = {}) {
    return big_endian(0, 4).append(type).append(payload);
}

const std::string start = box("ftyp", "isom") + box("moov", "tracks");

using Fragment = std::vector<std::string>;

std::vector<Fragment> fragments_of(std::string_view file) {
    std::vector<Fragment> fragments;
    for (const auto &fragment : fmp4::parse(bytes_of(file)).fragments) {
        Fragment &boxes = fragments.emplace_back();
        for (fmp4::Block block : fragment) {
            boxes.push_back(text_in(block));
        }
    }
    return fragments;
}

std::string joined(const fmp4::Movie &movie) {
    std::string all = text_in(movie.init);
    for (const auto &fragment : movie.fragments) {
        for (fmp4::Block block : fragment) {
            all += text_in(block);
        }
    }
    return all;
}

std::string complaint(std::string_view file) {
    try {
        fmp4::parse(bytes_of(file));
    } catch (const fmp4::BadFile &error) {
        return error.what();
    }
    return "none";
}

bool complains(std::string_view file, std::string_view words) {
    const std::string what = complaint(file);
    INFO(what);
    CHECK(what.find('\n') == std::string::npos);
    return what.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("fmp4: the init part runs to the end of moov, and a fragment is a moof and its mdat", "[examples]") {
    const std::string moof = box("moof", "1");
    const std::string mdat = box("mdat", "one");
    CHECK(text_in(fmp4::parse(bytes_of(start + moof + mdat)).init) == start);
    CHECK(fragments_of(start + moof + mdat) == std::vector<Fragment>{{moof, mdat}});
    CHECK(fragments_of(start + moof + mdat + moof + mdat) == std::vector<Fragment>{{moof, mdat}, {moof, mdat}});

    const std::string free_between = box("ftyp") + box("free", "x") + box("moov");
    CHECK(text_in(fmp4::parse(bytes_of(free_between + moof + mdat)).init) == free_between);
}

TEST_CASE("fmp4: boxes before a moof belong to its fragment, and boxes after the last mdat are a fragment of their own",
          "[examples]") {
    const std::string moof = box("moof");
    const std::string mdat = box("mdat", "x");
    const std::string styp = box("styp");
    const std::string sidx = box("sidx", "index");
    const std::string mfra = box("mfra", "where");
    const std::string skip = box("free");
    CHECK(fragments_of(start + sidx + moof + mdat + styp + sidx + moof + mdat + mfra + skip) ==
          std::vector<Fragment>{{sidx, moof, mdat}, {styp, sidx, moof, mdat}, {mfra, skip}});
    CHECK(fragments_of(start + moof + skip + mdat) == std::vector<Fragment>{{moof, skip, mdat}});
}

TEST_CASE("fmp4: several mdat boxes of one moof, a moof without one, and an mdat before the first moof", "[examples]") {
    const std::string moof = box("moof");
    const std::string mdat = box("mdat", "x");
    CHECK(fragments_of(start + moof + mdat + mdat + moof + mdat) ==
          std::vector<Fragment>{{moof, mdat, mdat}, {moof, mdat}});
    CHECK(fragments_of(start + moof + moof + mdat) == std::vector<Fragment>{{moof}, {moof, mdat}});
    CHECK(fragments_of(start + mdat + moof + mdat) == std::vector<Fragment>{{mdat}, {moof, mdat}});
}

TEST_CASE("fmp4: a size of 1 means 64 bits of size after the type, and 0 means up to the end", "[examples]") {
    const std::string moof = large_box("moof", "1");
    const std::string mdat = endless_box("mdat", "to the end" + box("moof"));
    CHECK(fragments_of(start + moof + mdat) == std::vector<Fragment>{{moof, mdat}});
    CHECK(fragments_of(large_box("ftyp") + large_box("moov") + box("moof") + large_box("mdat")) ==
          std::vector<Fragment>{{box("moof"), large_box("mdat")}});
    CHECK(complains(start + box("moof") + big_endian(1, 4) + "mdat" + big_endian(15, 8), "is damaged: box 'mdat'"));
    CHECK(
        complains(start + box("moof") + big_endian(1, 4) + "mdat" + big_endian(~0ull, 8), "is truncated: box 'mdat'"));
    CHECK(complains(start + box("moof") + big_endian(1, 4) + "mdat" + big_endian(0, 7), "is truncated: it ends in"));
}

TEST_CASE("fmp4: a file that is not fragmented MP4 is refused with the reason", "[examples]") {
    const std::string fragment = box("moof") + box("mdat");
    CHECK(complains("", "is empty"));
    CHECK(complains("ftyp", "is not an MP4"));
    CHECK(complains("#include <cstdio>\nint main() {}\n", "is not an MP4"));
    CHECK(complains(box("moov") + fragment, "is not an MP4"));
    CHECK(complains(start, "is not fragmented"));
    CHECK(complains(box("ftyp") + box("mdat", "x") + box("moov"), "is not fragmented"));
    CHECK(complains(box("ftyp") + box("mdat", "x"), "has no moov"));
    CHECK(complains(box("ftyp") + fragment + box("moov"), "a moof box comes before the moov"));
    for (std::uint64_t size = 2; size < 8; ++size) {
        CHECK(complains(start + fragment + big_endian(size, 4) + "free", "is damaged: box 'free'"));
    }
    CHECK(complains(start + fragment + big_endian(7, 4) + "\n\x80\xff\x01"s, "is damaged: box '....'"));
}

TEST_CASE("fmp4: a file that is cut off anywhere but between two fragments is refused", "[examples]") {
    const std::string fragment = box("styp") + box("moof", "abc") + box("mdat", "defg");
    const std::string file = start + fragment + fragment;
    for (std::size_t size = 0; size < file.size(); ++size) {
        // After a whole mdat, and after the styp that follows it, the file is a shorter one that is as good.
        const std::size_t one = start.size() + fragment.size();
        const bool good = size == one || size == one + box("styp").size();
        INFO(size);
        CHECK((complaint(file.substr(0, size)) == "none") == good);
    }
}

TEST_CASE("fmp4: a fragment that one group cannot hold is refused", "[examples]") {
    const std::string most((32u << 20) - 2 * 8, 'x');
    CHECK(complaint(start + box("moof") + box("mdat", most)) == "none");
    CHECK(complains(start + box("moof") + box("mdat", most + "x"), "too large for one group"));

    std::string many;
    for (int i = 0; i < 32766; ++i) {
        many += box("free");
    }
    CHECK(complaint(start + many + box("moof") + box("mdat")) == "none");
    CHECK(complains(start + many + box("free") + box("moof") + box("mdat"), "too large for one group"));
    CHECK(complains(box("ftyp") + box("free", most) + box("moov") + box("moof") + box("mdat"), "before its first"));
}

TEST_CASE("fmp4: the parts of an accepted file are all of its bytes in order", "[examples]") {
    std::mt19937_64 random(comoq::test::seed("fmp4"));
    auto below = [&random](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
    int accepted = 0;
    int refused = 0;
    for (int round = 0; round < 20000; ++round) {
        std::string file = start;
        const char *const types[] = {"moof", "mdat", "moof", "mdat", "free", "styp", "moov", "mfra"};
        for (std::size_t boxes = below(12); boxes > 0; --boxes) {
            const char *type = types[below(std::size(types))];
            const std::string payload(below(20), 'p');
            file += below(4) == 0 ? large_box(type, payload) : box(type, payload);
        }
        if (below(2) == 0) {
            file[below(file.size())] = static_cast<char>(below(256));
        }
        if (below(4) == 0) {
            file.resize(below(file.size() + 1));
        }
        if (complaint(file) == "none") {
            REQUIRE(joined(fmp4::parse(bytes_of(file))) == file);
            ++accepted;
        } else {
            ++refused;
        }
    }
    CHECK(accepted > 1000);
    CHECK(refused > 1000);
}

}
