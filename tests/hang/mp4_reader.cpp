// Fragmented MP4, read: what is taken, how it is timed, and what is refused with which words.
#include "hang/boxes.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace hang_mp4_reader_tests {

using namespace comoq;
using namespace comoq::hang;
using namespace comoq::test;

namespace {

const std::string start = std::string(Mp4Writer({avc(), aac()}).init().view());
const std::string video_start = std::string(Mp4Writer({avc()}).init().view());

constexpr std::size_t pieces[] = {1, 2, 7, 64, 1000, 1 << 20};

std::string u32(std::uint64_t value) { return big_endian(value, 4); }

/// A moof of one run with samples of two bytes and 40 ms each; what differs between the kinds is given.
struct Run {
    std::uint32_t track_flags = 0x20000;
    std::string track_fields;             // behind the track's number
    std::string time = box("tfdt", u32(0x1000000) + big_endian(0, 8));
    std::uint32_t flags = 0xf01;
    std::uint32_t count = 1;
    std::int64_t data_offset = -1;        // -1: behind the header of the mdat that follows
    std::uint8_t version = 1;
    std::vector<std::int32_t> offsets;    // to when they are shown

    std::string moof() const {
        std::string samples;
        for (std::uint32_t i = 0; i != count; ++i) {
            samples += u32(40'000) + u32(2) + u32(i == 0 ? 0x2000000 : 0x1010000);
            samples += u32(static_cast<std::uint32_t>(i < offsets.size() ? offsets[i] : 0));
        }
        const auto whole = [&](std::uint64_t offset) {
            const std::string where = (flags & 1) != 0 ? u32(offset) : std::string();
            return box("moof", box("mfhd", u32(0) + u32(1)) +
                                   box("traf", box("tfhd", u32(track_flags) + u32(1) + track_fields) + time +
                                                   box("trun", u32((std::uint32_t{version} << 24) | flags) + u32(count) + where + samples)));
        };
        return whole(data_offset < 0 ? whole(0).size() + 8 : static_cast<std::uint64_t>(data_offset));
    }
};

std::vector<std::string> texts(const ReadMovie &movie) {
    std::vector<std::string> all;
    for (const auto &sample : movie.samples) all.emplace_back(sample.payload.view());
    return all;
}
std::vector<std::uint64_t> times(const ReadMovie &movie) {
    std::vector<std::uint64_t> all;
    for (const auto &sample : movie.samples) all.push_back(sample.timestamp.value());
    return all;
}

using Texts = std::vector<std::string>;
using Times = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("a movie of two tracks is read in the order of decoding, in pieces of any size", "[hang]") {
    Mp4Writer writer({avc(), aac()});
    const auto file = start + fragment(writer, 0, 0, {"v0", "v1", "v2"}) + fragment(writer, 1, 0, {"a0", "a1"}) +
                      fragment(writer, 0, 120'000, {"v3"}) + fragment(writer, 1, 80'000, {"a2"});
    for (const std::size_t piece : pieces) {
        const auto movie = read_movie(file, piece);
        CHECK(movie.complaint.empty());
        CHECK(texts(movie) == Texts{"v0", "v1", "v2", "a0", "a1", "v3", "a2"});
        CHECK(times(movie) == Times{0, 40'000, 80'000, 0, 40'000, 120'000, 80'000});
        REQUIRE(movie.tracks.size() == 2);
        CHECK(movie.tracks[0].config == avc());
        CHECK(movie.tracks[1].config == aac());
        CHECK(movie.samples[0].is_key);
        CHECK_FALSE(movie.samples[1].is_key);
        CHECK(movie.samples[6].track == 1);
        CHECK(movie.samples[1].duration == std::chrono::milliseconds(40));
    }
}

TEST_CASE("the samples of a piece are slices of it", "[hang]") {
    Mp4Writer writer({avc()});
    const auto file = Bytes::copy(video_start + fragment(writer, 0, 0, {std::string(1000, 'x')}));
    Mp4Reader reader;
    reader.push(file);
    const auto sample = reader.next();
    REQUIRE(sample);
    CHECK(sample->payload.data() >= file.data());
    CHECK(sample->payload.data() < file.data() + file.size());
}

TEST_CASE("boxes that do not matter are passed over, also an index at the end", "[hang]") {
    Mp4Writer writer({avc()});
    const auto extra = box("styp", "cmfs") + box("sidx", std::string(40, '\0')) + large_box("emsg", "an event") + box("prft", "12345678") +
                       box("abcd");
    const auto file = video_start + extra + fragment(writer, 0, 0, {"v0"}) + extra + fragment(writer, 0, 40'000, {"v1"}) + box("mfra", "index");
    for (const std::size_t piece : pieces) {
        const auto movie = read_movie(file, piece);
        CHECK(movie.complaint.empty());
        CHECK(times(movie) == Times{0, 40'000});
    }
    CHECK(texts(read_movie(video_start + fragment(writer, 0, 0, {"v0"}) + endless_box("free", "to the end"))) == Texts{"v0"});
}

TEST_CASE("an mdat may have a size of 64 bits, or go on to the end of the file", "[hang]") {
    const auto moof = Run().moof();
    CHECK(texts(read_movie(video_start + moof + endless_box("mdat", "v0"))) == Texts{"v0"});
    CHECK(texts(read_movie(video_start + moof + endless_box("mdat", "v0"), 3)) == Texts{"v0"});
    Run run;
    run.data_offset = static_cast<std::int64_t>(moof.size() + 16);
    CHECK(texts(read_movie(video_start + run.moof() + large_box("mdat", "v0"))) == Texts{"v0"});
}

TEST_CASE("bytes are counted from the fragment, from the track before, or from the beginning of the file", "[hang]") {
    Run absolute;
    absolute.track_flags = 0x1;
    absolute.track_fields = std::string(8, '\0');
    const auto size_of_moof = absolute.moof().size();
    absolute.track_fields = big_endian(video_start.size() + size_of_moof, 8);
    absolute.data_offset = 8;
    const auto file = video_start + absolute.moof() + box("mdat", "v0");
    CHECK(texts(read_movie(file)) == Texts{"v0"});
    // In a file behind another one, from the beginning of its own.
    CHECK(texts(read_movie(file + file)) == Texts{"v0", "v0"});
    Run neither;
    neither.track_flags = 0;
    CHECK(texts(read_movie(video_start + neither.moof() + box("mdat", "v0"))) == Texts{"v0"});
}

TEST_CASE("pictures are shown in another order than they are decoded in, with offsets of either sign", "[hang]") {
    Run run;
    run.count = 3;
    run.offsets = {0, 40'000, -40'000};
    const auto movie = read_movie(video_start + run.moof() + box("mdat", "I0P2B1"));
    CHECK(times(movie) == Times{0, 80'000, 40'000});
    CHECK(movie.samples[2].decode_time == std::chrono::milliseconds(80));
    // In version 0 they have no sign: it is a time far in the future.
    run.version = 0;
    CHECK(read_movie(video_start + run.moof() + box("mdat", "I0P2B1")).samples[2].timestamp.value() > 4'000'000'000);
}

TEST_CASE("fragments without a time go on where the last one has ended", "[hang]") {
    Run run;
    run.time.clear();
    run.count = 2;
    const auto piece = run.moof() + box("mdat", "v0v1");
    CHECK(times(read_movie(video_start + piece + piece)) == Times{0, 40'000, 80'000, 120'000});
}

TEST_CASE("a file behind another one goes on where that has ended, if its times begin again", "[hang]") {
    Mp4Writer writer({avc()});
    const auto one = video_start + fragment(writer, 0, 0, {"v0", "v1"});
    CHECK(times(read_movie(one + one + one)) == Times{0, 40'000, 80'000, 120'000, 160'000, 200'000});
    CHECK(times(read_movie(one + video_start + fragment(writer, 0, 500'000, {"v2"}))) == Times{0, 40'000, 500'000});
    CHECK(read_movie(one + start).complaint.find("box 'moov'") != std::string::npos);
    CHECK(times(read_movie(one + start)) == Times{0, 40'000});
}

TEST_CASE("an edit list that begins late moves all tracks alike, so that no time is below zero", "[hang]") {
    Mp4Writer writer({avc(), aac()});
    // Puts an edit list into the second track.
    const auto elst = box("edts", box("elst", u32(0) + u32(2) + u32(500) + u32(0xffffffff) + u32(0x10000) + u32(0) + u32(700'000) + u32(0x10000)));
    auto file = start;
    const auto second = file.rfind("trak") - 4;
    const auto moov = file.find("moov") - 4;
    const auto grown = [&](std::size_t at) {
        std::uint64_t size = 0;
        for (std::size_t i = 0; i != 4; ++i) size = size << 8 | static_cast<unsigned char>(file[at + i]);
        file.replace(at, 4, u32(size + elst.size()));
    };
    grown(second);
    grown(moov);
    file.insert(file.find("mdia", second) - 4, elst);
    file += fragment(writer, 0, 0, {"v0"}) + fragment(writer, 1, 0, {"a0"});
    // The pause is half a second: sound begins at 500 - 700 ms, and everything is 200 ms later.
    const auto movie = read_movie(file);
    CHECK(movie.complaint.empty());
    CHECK(times(movie) == Times{200'000, 0});
    const auto several = [&] {
        auto copy = file;
        const auto at = copy.find("elst") + 12;
        return copy.replace(at + 4, 4, u32(0));
    }();
    CHECK(read_movie(several).complaint.find("box 'elst'") != std::string::npos);
}

TEST_CASE("what cannot be taken gets one line that names the box", "[hang]") {
    Mp4Writer writer({avc()});
    const auto good = fragment(writer, 0, 0, {"v0", "v1"});
    const auto file = video_start + good;
    const auto with = [](std::string text, std::string_view from, std::string_view to) {
        return text.replace(text.find(from), from.size(), to);
    };
    Run other_description;
    other_description.track_flags = 0x20002;
    other_description.track_fields = u32(2);
    Run elsewhere;
    elsewhere.data_offset = 5000;
    Run many;
    many.count = 1;
    auto too_many = many.moof();
    too_many.replace(too_many.find("trun") + 8, 4, u32(70'000));
    struct Kind {
        std::string file, words;
    };
    const std::vector<Kind> kinds = {
        {"", "is empty"},
        {"a text file", "is not an MP4 file"},
        {"five", "is not an MP4 file"},
        {box("ftyp", "isom"), "has no moov box"},
        {video_start, "no moof box"},
        {box("ftyp", "isom") + good, "a moof box comes before the moov box"},
        {box("ftyp", "isom") + box("mdat", "progressive"), "box 'mdat' comes before any 'moov'"},
        {with(file, "mvex", "free"), "box 'moov' has no 'mvex'"},
        {with(file, "avc1", "encv"), "box 'encv' is encrypted"},
        {with(file, "avc1", "xvid"), "box 'xvid' is a codec that is not known here"},
        {with(file, "avcC", "free"), "box 'avc1' has no 'avcC'"},
        {with(file, "stsd", "free"), "box 'stbl' has no 'stsd'"},
        {with(file, "vide", "text"), "box 'moov' has neither video nor audio"},
        {with(file, "tfhd", "free"), "box 'traf' has no 'tfhd'"},
        {file.substr(0, 20), "is truncated"},
        {file.substr(0, file.size() - 1), "is truncated: box 'mdat'"},
        {file + std::string(4, '\0'), "is truncated: the last 4 bytes"},
        {file + Run().moof(), "is truncated: it ends after a moof box"},
        {video_start + Run().moof() + good, "counts on bytes that are in no 'mdat'"},
        {video_start + elsewhere.moof() + box("mdat", "v0"), "is truncated: it ends after a moof box"},
        {video_start + other_description.moof() + box("mdat", "v0"), "box 'tfhd' names another sample description"},
        {video_start + too_many + box("mdat", "v0"), "more than 65536 samples (box 'trun')"},
        {video_start + u32(3) + "moof", "box 'moof' at"},
        {video_start + u32(1) + "moof" + big_endian(~std::uint64_t{0}, 8), "has a box 'moof'"},
    };
    for (const auto &[bytes, words] : kinds) {
        for (const std::size_t piece : {pieces[1], pieces[5]}) {
            const auto complaint = read_movie(bytes, piece).complaint;
            INFO(words << " / " << complaint);
            CHECK(complaint.find(words) != std::string::npos);
            CHECK(complaint.find('\n') == std::string::npos);
        }
    }
    // What came before the fault is there.
    CHECK(texts(read_movie(file + "broken, and so on")) == Texts{"v0", "v1"});
}

TEST_CASE("two samples in the same bytes are refused, so that a small file does not stand for a large one", "[hang]") {
    Run run;
    const auto one = run.moof();
    const auto traf = one.substr(one.find("traf") - 4);
    auto file = video_start;
    run.data_offset = static_cast<std::int64_t>(one.size() + traf.size() + 8);
    const auto moved = run.moof();
    const auto moved_traf = moved.substr(moved.find("traf") - 4);
    file += box("moof", moved.substr(8) + moved_traf) + box("mdat", "v0");
    CHECK(read_movie(file).complaint.find("two samples in the same bytes") != std::string::npos);
}

TEST_CASE("a box that goes on for too long is refused when that many bytes have come", "[hang]") {
    Mp4Reader reader(1000);
    reader.push(Bytes::copy(video_start));
    reader.push(Bytes::copy(endless_box("moof", std::string(900, 'x'))));
    CHECK_THROWS_AS(reader.push(Bytes::copy(std::string(200, 'x'))), Mp4Error);
}

}  // namespace hang_mp4_reader_tests
