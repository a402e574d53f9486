// Parts of groups: FETCH, and subscriptions that begin and end within a group.
#include <comoq/lite/session.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "lite/bounds_scene.hpp"
#include "lite/bounds_words.hpp"
#include "lite/raw_peer.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"

namespace session_frame_bounds_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using namespace session_bounds_tests;

namespace {

using lite::FrameBounds;

}  // namespace

TEST_CASE("a session serves: a FETCH gets exactly the frames asked for", "[lite][session][bounds]") {
    BoundsScene scene(draft_06);
    scene.write_groups(2, 4);
    scene.begin_peer();
    struct Range {
        std::uint64_t first;
        std::optional<std::uint64_t> last;
        Texts frames;
    };
    const Range range = GENERATE(
        Range{0, {}, {"1000 g1f0", "1500 g1f1", "2000 g1f2", "2500 g1f3"}}, Range{1, 2, {"1500 g1f1", "2000 g1f2"}},
        Range{3, 3, {"2500 g1f3"}}, Range{2, 9, {"2000 g1f2", "2500 g1f3"}}, Range{2, {}, {"2000 g1f2", "2500 g1f3"}},
        Range{4, {}, {}}, Range{4, 4, {}}, Range{5, 9, {}}, Range{(std::uint64_t{1} << 62) - 1, {}, {}});
    CAPTURE(range.first);
    const auto asking = scene.fetch(1, range.first, range.last);
    CHECK(asking.frames() == range.frames);
    CHECK(asking.answer->ended);
    CHECK_FALSE(asking.answer->number);
}

TEST_CASE("a session serves: a FETCH of an open group is over with the last frame asked for", "[lite][session][bounds]") {
    BoundsScene scene(draft_06);
    auto group = scene.video.append_group();
    scene.write(group, 0);
    scene.write(group, 1);
    scene.begin_peer();
    const auto first = scene.fetch(0, 0, 0), both = scene.fetch(0, 0, 1), across = scene.fetch(0, 1, 2), rest = scene.fetch(0, 2);
    CHECK(first.frames() == Texts{"0 g0f0"});
    CHECK(first.answer->ended);
    CHECK(both.frames() == Texts{"0 g0f0", "500 g0f1"});
    CHECK(both.answer->ended);
    CHECK(across.frames() == Texts{"500 g0f1"});
    CHECK_FALSE(across.answer->over());
    CHECK_FALSE(rest.answer->over());
    scene.write(group, 2);
    scene.run();
    CHECK(across.frames() == Texts{"500 g0f1", "1000 g0f2"});
    CHECK(across.answer->ended);
    CHECK(rest.frames() == Texts{"1000 g0f2"});
    CHECK_FALSE(rest.answer->over());
    SECTION("it is finished") {
        group.finish();
        scene.run();
        CHECK(rest.answer->ended);
    }
    SECTION("it is cut") {
        group.abort(make_error_code(Error::Old));
        scene.run();
        CHECK(rest.answer->number == 0x34u);
    }
}

TEST_CASE("a session serves: a FETCH that ends before it begins fails its stream and nothing else", "[lite][session][bounds]") {
    BoundsScene scene(draft_06);
    scene.write_groups(1);
    scene.begin_peer();
    Octets octets = octets_of({static_cast<int>(lite::BidiStreamType::Fetch)});
    const Octets body = octets_of({1, 'a', 5, 'v', 'i', 'd', 'e', 'o', 0, 0, 2, 2});
    octets.push_back(static_cast<std::byte>(body.size()));
    octets.insert(octets.end(), body.begin(), body.end());
    const auto inverted = scene.ask(octets);
    CHECK(inverted.answer->number);
    CHECK(scene.fetch(0).answer->ended);
    CHECK(scene.open());
}

TEST_CASE("a session serves: a group whose first frames are gone is not served as if it were whole", "[lite][session][bounds]") {
    const auto version = GENERATE(draft_05, draft_06);
    BoundsScene scene(version);
    auto group = scene.video.append_group();
    for (std::size_t i = 0; i <= detail::MediaBounds::max_group_frames; ++i) {
        group.write_frame(payload("x"), Timestamp(i, Timescale(1000)));
    }
    scene.begin_peer();
    if (version == draft_05) {
        CHECK(scene.fetch(0).frames().front() == "1 x");
        return;
    }
    CHECK(scene.fetch(0).answer->number == 0x05u);
    CHECK(scene.fetch(0, 1, 1).frames() == Texts{"1 x"});
    const auto whole = scene.subscribe(0, from(std::nullopt, 0ms));
    CHECK(scene.got->of(0).empty());
    CHECK(whole.replies() == Texts{"ok 0", "drop 0-0"});
    const auto part = scene.subscribe(1, from(0, 0ms, 0), FrameBounds{1, 2});
    CHECK(scene.got->of(1) == Texts{"0+1: 1 x, 2 x, fin"});
    // It goes on with the next group.
    group.finish();
    scene.video.write_frame(payload("next"));
    scene.run();
    CHECK(scene.got->of(0) == Texts{"1: 0 next, fin"});
}

TEST_CASE("a session serves: a subscription gets its first group from a frame on, and its last one up to a frame",
          "[lite][session][bounds]") {
    BoundsScene scene(draft_06);
    scene.write_groups(8, 3);
    scene.begin_peer();
    const auto part = scene.subscribe(0, from(5, 30s, 7), FrameBounds{1, 1});
    CHECK(part.replies() == Texts{"ok 5"});
    auto groups = scene.got->of(0);
    std::sort(groups.begin(), groups.end());
    CHECK(groups == Texts{"5+1: 5500 g5f1, 6000 g5f2, fin", "6: 6000 g6f0, 6500 g6f1, 7000 g6f2, fin",
                          "7: 7000 g7f0, 7500 g7f1, fin"});
    // Only a subscriber that asked gets a part.
    scene.subscribe(1, from(7, 30s));
    CHECK(scene.got->of(1) == Texts{"7: 7000 g7f0, 7500 g7f1, 8000 g7f2, fin"});
    // Where the newest group is a later one, it begins at its first frame.
    const auto late = scene.subscribe(2, from(5, 0ms), FrameBounds{1, {}});
    CHECK(late.replies() == Texts{"ok 7"});
    CHECK(scene.got->of(2) == Texts{"7: 7000 g7f0, 7500 g7f1, 8000 g7f2, fin"});
    // Bounds in one group.
    scene.subscribe(3, from(6, 30s, 6), FrameBounds{1, 1});
    CHECK(scene.got->of(3) == Texts{"6+1: 6500 g6f1, fin"});
    scene.subscribe(4, from(6, 30s, 6), FrameBounds{2, 1});
    CHECK(scene.got->of(4) == Texts{"6+2: fin"});
    // Groups in the wrong order deliver nothing.
    scene.subscribe(5, from(7, 30s, 5));
    CHECK(scene.got->of(5).empty());
    CHECK(scene.open());
}

TEST_CASE("a session serves: a frame of group 0 may be the first, although 0 is not a floor", "[lite][session][bounds]") {
    BoundsScene scene(draft_06);
    auto group = scene.video.append_group();
    scene.write(group, 0);
    scene.begin_peer();
    const auto asking = scene.subscribe(0, from(0, 0ms, 0), FrameBounds{1, 2});
    scene.run();
    CHECK(scene.got->of(0) == Texts{"0+1:"});
    for (const std::uint64_t frame : {1u, 2u, 3u}) {
        scene.write(group, frame);
    }
    scene.run();
    // The last frame that is wanted ends the stream of an open group.
    CHECK(scene.got->of(0) == Texts{"0+1: 500 g0f1, 1000 g0f2, fin"});
    CHECK_FALSE(asking.answer->over());
}

TEST_CASE("a session serves: the frames of an update count for groups that have no stream yet", "[lite][session][bounds]") {
    BoundsScene scene(draft_06);
    scene.write_groups(2, 3);
    scene.begin_peer();
    auto asking = scene.subscribe(0, from(1, 30s, 1), FrameBounds{2, 2});
    CHECK(scene.got->of(0) == Texts{"1+2: 2000 g1f2, fin"});
    scene.update(asking, from(1, 30s, 2), FrameBounds{2, 0});
    scene.write_groups(1, 3);
    scene.run();
    CHECK(scene.got->of(0) == Texts{"1+2: 2000 g1f2, fin", "2: 2000 g2f0, fin"});
    scene.update(asking, from(1, 30s));
    scene.write_groups(1, 3);
    scene.run();
    CHECK(scene.got->of(0).back() == "3: 3000 g3f0, 3500 g3f1, 4000 g3f2, fin");
}

TEST_CASE("a session serves: an end frame without an end group fails the stream, and nothing else", "[lite][session][bounds]") {
    BoundsScene scene(draft_06);
    scene.write_groups(1);
    scene.begin_peer();
    const Octets body = octets_of({0, 1, 'a', 5, 'v', 'i', 'd', 'e', 'o', 0, 0, 0, 0, 0, 4});
    Octets octets = octets_of({static_cast<int>(lite::BidiStreamType::Subscribe), static_cast<int>(body.size())});
    octets.insert(octets.end(), body.begin(), body.end());
    CHECK(scene.ask(octets).answer->number);
    CHECK(scene.subscribe(1, from(std::nullopt, 0ms)).replies() == Texts{"ok 0"});
    CHECK(scene.open());
}

}
