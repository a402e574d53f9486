// A fragmented MP4 in pieces that readers can begin with: where it is cut, when the pieces play, and what is refused.
#include "hang/boxes.hpp"

#include <comoq/hang/mp4_pieces.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "support/seed.hpp"

namespace hang_mp4_pieces_tests {

using namespace std::chrono_literals;
using namespace comoq;
using namespace comoq::hang;
using namespace comoq::test;

namespace {

const std::string start = std::string(Mp4Writer({avc(), aac()}).init().view());
const std::string video_start = std::string(Mp4Writer({avc()}).init().view());
const std::string audio_start = std::string(Mp4Writer({aac()}).init().view());

/// A fragment of one track from `time` in milliseconds; each sample has two bytes and lasts 40 ms.
std::string fragment_at(std::size_t track, std::uint64_t time, bool is_key, std::size_t count = 2) {
    Mp4Writer writer({avc(), aac()});
    std::vector<Mp4OutputSample> samples;
    for (std::size_t i = 0; i != count; ++i) samples.push_back({2, 40'000, 0, is_key && i == 0});
    return std::string(writer.fragment(track, time * 1000, samples).view()) + std::string(2 * count, 'x');
}

std::string text_of(const Mp4Piece &piece) {
    std::string all;
    for (const auto &box : piece.boxes) all += box.view();
    return all;
}

std::string text_of(const Mp4Pieces &cut) {
    std::string all(cut.init.view());
    for (const auto &piece : cut.pieces) all += text_of(piece);
    return all.append(cut.rest.view());
}

Mp4Pieces cut(const std::string &file, const Mp4PieceLimits &limits = {}) { return cut_mp4(Bytes::copy(file), limits); }

std::vector<std::string> texts(const Mp4Pieces &movie) {
    std::vector<std::string> all;
    for (const auto &piece : movie.pieces) all.push_back(text_of(piece));
    return all;
}

std::vector<std::int64_t> begins(const Mp4Pieces &movie) {
    std::vector<std::int64_t> all;
    for (const auto &piece : movie.pieces) all.push_back(piece.begin / 1ms);
    return all;
}

std::string complaint(const std::string &file, const Mp4PieceLimits &limits = {}) {
    try {
        cut(file, limits);
    } catch (const Mp4Error &error) {
        return error.what();
    }
    return "none";
}

bool complains(const std::string &file, std::string_view words, const Mp4PieceLimits &limits = {}) {
    const auto what = complaint(file, limits);
    INFO(what);
    CHECK(what.find('\n') == std::string::npos);
    return what.find(words) != std::string::npos;
}

using Texts = std::vector<std::string>;
using Times = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("pieces: a movie is cut before each key frame, and the parts of a group of pictures stay together", "[hang]") {
    const auto key = fragment_at(0, 0, true), more = fragment_at(0, 80, false), next = fragment_at(0, 160, true);
    const auto movie = cut(start + key + more + next);
    CHECK(movie.init.view() == start);
    CHECK(texts(movie) == Texts{key + more, next});
    CHECK(begins(movie) == Times{0, 160});
    CHECK(movie.pieces[0].end == 160ms);
    CHECK(movie.pieces[1].end == 240ms);
    // The first one is a piece whatever it begins with, because readers get it.
    CHECK(texts(cut(start + more + key)) == Texts{more, key});
}

TEST_CASE("pieces: sound belongs to the pictures before it, and is cut by itself where there are none", "[hang]") {
    const auto sound = fragment_at(1, 0, true), picture = fragment_at(0, 0, true), later = fragment_at(1, 80, true);
    CHECK(texts(cut(start + picture + sound + later + picture)) == Texts{picture + sound + later, picture});
    Mp4Writer writer({aac()});
    const auto one = fragment(writer, 0, 0, {"a0", "a1"}), two = fragment(writer, 0, 80'000, {"a2"});
    const auto movie = cut(audio_start + one + two);
    CHECK(texts(movie) == Texts{one, two});
    CHECK(begins(movie) == Times{0, 80});
}

TEST_CASE("pieces: what stands before a fragment belongs to it, and what stands behind the last one to none", "[hang]") {
    const auto one = fragment_at(0, 0, true), two = fragment_at(0, 80, true);
    const auto extra = box("styp", "cmfs") + box("sidx", "index") + large_box("emsg", "an event");
    const auto movie = cut(video_start + extra + one + extra + two + box("mfra", "where") + box("free"));
    CHECK(texts(movie) == Texts{extra + one, extra + two});
    CHECK(movie.rest.view() == box("mfra", "where") + box("free"));
    CHECK(movie.pieces.back().end == 160ms);
    CHECK(cut(video_start + one).rest.empty());
}

TEST_CASE("pieces: an mdat that goes on to the end of the file gets its real size", "[hang]") {
    const auto whole = fragment_at(0, 0, true);
    auto endless = whole;
    const auto at = whole.find("mdat") - 4;
    endless.replace(at, 4, std::string(4, '\0'));
    const auto movie = cut(video_start + whole + endless);
    CHECK(texts(movie) == Texts{whole, whole});
    // What passes over it, such as free space, stays as it is.
    CHECK(cut(video_start + whole + endless_box("free", "x")).rest.view() == endless_box("free", "x"));
}

TEST_CASE("pieces: times begin at 0, go on where a fragment has none, and in a file behind another one", "[hang]") {
    CHECK(begins(cut(video_start + fragment_at(0, 5000, true) + fragment_at(0, 5080, true))) == Times{0, 80});
    const auto file = video_start + fragment_at(0, 5000, true) + fragment_at(0, 5080, true);
    const auto twice = cut(file + file);
    CHECK(begins(twice) == Times{0, 80, 160, 240});
    CHECK(text_of(twice) == file + file);
    CHECK(begins(cut(file + video_start + fragment_at(0, 6000, true))) == Times{0, 80, 1000});
    // A time that goes back does not take the pieces with it.
    CHECK(begins(cut(video_start + fragment_at(0, 100, true) + fragment_at(0, 500, true) + fragment_at(0, 300, true))) == Times{0, 400, 400});
}

TEST_CASE("pieces: codecs, edit lists and encryption do not matter, and other tracks are taken for sound", "[hang]") {
    const auto with = [](std::string text, std::string_view from, std::string_view to) {
        for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
        return text;
    };
    const auto key = fragment_at(0, 0, true), more = fragment_at(0, 80, false);
    CHECK(texts(cut(with(video_start, "avc1", "encv") + key + more)) == Texts{key + more});
    CHECK(texts(cut(with(video_start, "avc1", "abcd") + key + more)) == Texts{key + more});
    CHECK(texts(cut(with(video_start, "vide", "text") + key + more)) == Texts{key, more});
    CHECK(read_movie(with(video_start, "avc1", "encv") + key).complaint.find("is encrypted") != std::string::npos);
}

TEST_CASE("pieces: a group of pictures beyond the limits is cut, and a fragment beyond them is refused", "[hang]") {
    const auto key = fragment_at(0, 0, true, 100), more = fragment_at(0, 4000, false, 100);
    Mp4PieceLimits limits;
    limits.bytes = key.size() + more.size();
    CHECK(texts(cut(video_start + key + more + more + more, limits)) == Texts{key + more, more + more});
    limits.bytes = key.size();
    CHECK(texts(cut(audio_start + key + key, limits)).size() == 2);
    limits.bytes = key.size() - 1;
    CHECK(complains(audio_start + key, "has a fragment that is too large", limits));
    limits = {};
    limits.boxes = 3;
    CHECK(texts(cut(video_start + key + more, limits)) == Texts{key, more});
    CHECK(complains(video_start + box("free") + box("free") + key, "has a fragment that is too large", limits));
    limits.boxes = 32'768;
    limits.bytes = video_start.size() - 1;
    CHECK(complains(video_start + key, "has a beginning that is too large", limits));
}

TEST_CASE("pieces: what is not a fragmented MP4 is refused with the reason", "[hang]") {
    const auto good = fragment_at(0, 0, true);
    const auto moof = good.substr(0, good.find("mdat") - 4), mdat = good.substr(moof.size());
    CHECK(complains("", "is empty"));
    CHECK(complains("ftyp", "is not an MP4"));
    CHECK(complains("#include <cstdio>\nint main() {}\n", "is not an MP4"));
    CHECK(complains(video_start.substr(video_start.find("moov") - 4) + good, "is not an MP4"));
    CHECK(complains(video_start, "is not fragmented: no moof box"));
    CHECK(complains(box("ftyp") + box("mdat", "x") + video_start.substr(video_start.find("moov") - 4), "is not fragmented"));
    CHECK(complains(box("ftyp") + box("moov") + good, "has no 'mvex'"));
    CHECK(complains(box("ftyp") + box("free"), "has no moov"));
    CHECK(complains(box("ftyp") + good + video_start, "a moof box comes before the moov"));
    CHECK(complains(video_start + mdat + good, "box 'mdat' at"));
    CHECK(complains(video_start + moof, "is truncated: it ends after a moof"));
    CHECK(complains(video_start + good + audio_start + good, "has other tracks"));
    CHECK(complains(video_start + good + big_endian(7, 4) + "free", "is damaged: box 'free'"));
    CHECK(complains(video_start + good + big_endian(7, 4) + "\n\x80\xff\x01", "is damaged: box '....'"));
    CHECK(complains(video_start + moof + big_endian(1, 4) + "mdat" + big_endian(~0ull, 8), "is truncated: box 'mdat'"));
}

TEST_CASE("pieces: a file that is cut off anywhere but between two fragments is refused", "[hang]") {
    const auto one = box("styp") + fragment_at(0, 0, true);
    const auto file = video_start + one + one;
    for (std::size_t size = 0; size < file.size(); ++size) {
        // After a whole mdat, and after the styp that follows it, the file is a shorter one that is as good.
        const auto end = video_start.size() + one.size();
        INFO(size);
        CHECK((complaint(file.substr(0, size)) == "none") == (size == end || size == end + box("styp").size()));
    }
}

TEST_CASE("pieces: the parts of what is accepted are all of its bytes in order", "[hang]") {
    std::mt19937_64 random(comoq::test::seed("mp4_pieces"));
    const auto below = [&random](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
    int accepted = 0, refused = 0;
    for (int round = 0; round < 5000; ++round) {
        std::string file = start;
        for (std::size_t boxes = below(12); boxes > 0; --boxes) {
            const std::string payload(below(20), 'p');
            switch (below(6)) {
            case 0: file += box("free", payload); break;
            case 1: file += large_box("styp", payload); break;
            case 2: file += box("mdat", payload); break;
            case 3: file += start; break;
            default: file += fragment_at(below(2), below(1000), below(2) == 0, 1 + below(3)); break;
            }
        }
        if (below(2) == 0) file[below(file.size())] = static_cast<char>(below(256));
        if (below(4) == 0) file.resize(below(file.size() + 1));
        try {
            const auto movie = cut(file);
            // The size of an endless mdat is written out.
            const auto joined = text_of(movie);
            REQUIRE(joined.size() == file.size());
            REQUIRE((joined == file || file.find(std::string(4, '\0') + "mdat") != std::string::npos));
            REQUIRE(std::ranges::is_sorted(begins(movie)));
            ++accepted;
        } catch (const Mp4Error &) {
            ++refused;
        }
    }
    CHECK(accepted > 500);
    CHECK(refused > 500);
}

}  // namespace hang_mp4_pieces_tests
