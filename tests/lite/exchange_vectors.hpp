/// \file Whole streams of moq-relay 0.17.10 and moq-rs 0.5.1 with a peer that recorded them.
#pragma once

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

namespace comoq::test {

struct Exchange {
    std::string_view name;
    std::string_view protocol;
    /// The real peer has opened the stream.
    bool opened_by_real;
    bool is_uni;
    /// What the side says that has opened it, from the type of the stream on, and what the other side says.
    std::string_view opener, answer;
    /// The messages, without the type of the stream; "?" is malformed, or of a type that nobody knows.
    std::string_view opener_says, answer_says;
};

// clang-format off
inline constexpr Exchange exchanges[] = {
    {"announce.relay_to_subscriber", "moq-lite-06", false, false, "010100",
     "03509202000f08726f6f6d2f63616d020751110406000e08726f6f6d2f6d69630151110101001309726f6f6d2f6c6174650308095111406540c90101010208000307085111030a", "ANNOUNCE_REQUEST", "ANNOUNCE_OK START START START END RESTART"},
    {"announce.reflected_and_drained", "moq-lite-06", true, false, "010100",
     "03511101000703722f63000000010100000703722f6300050602060101511105060206010150920506020601016222050602120100ffffffffffffffffffffffffffffffff", "ANNOUNCE_REQUEST", "ANNOUNCE_OK START END START RESTART RESTART RESTART RESTART"},
    {"track.unroutable", "moq-lite-06", false, false, "061009726f6f6d2f6e6f6e6505766964656f",
     "", "TRACK", ""},
    {"track.fin_behind_request", "moq-lite-06", false, false, "061008726f6f6d2f63616d0673696c656e74",
     "", "TRACK", ""},
    {"track.not_found", "moq-lite-06", false, false, "060c08726f6f6d2f63616d026e66",
     "", "TRACK", ""},
    {"track.not_found_old_number", "moq-lite-06", false, false, "061008726f6f6d2f63616d066e662d6f6c64",
     "", "TRACK", ""},
    {"subscribe.bounds", "moq-lite-06", false, false, "02190008726f6f6d2f63616d05766964656f078000753005080102090980004e20050a0100090980004e2005000100",
     "000105", "SUBSCRIBE UPDATE UPDATE", "OK"},
    {"fetch.range_cached", "moq-lite-06", false, false, "031308726f6f6d2f63616d05766964656f09060102",
     "6f30056736206631", "FETCH", "FRAME"},
    {"fetch.past_the_end", "moq-lite-06", false, false, "031408726f6f6d2f63616d05766964656f0940630000",
     "", "FETCH", ""},
    {"fetch.fin_behind_request", "moq-lite-06", false, false, "031308726f6f6d2f63616d05766964656f09060102",
     "", "FETCH", ""},
    {"subscribe.left_by_fin", "moq-lite-06", false, false, "02160108726f6f6d2f63616d05617564696f800000000000",
     "000100", "SUBSCRIBE", "OK"},
    {"subscribe.unroutable", "moq-lite-06", false, false, "02160209726f6f6d2f6e6f6e650178078000753000000000",
     "", "SUBSCRIBE", ""},
    {"subscribe.bare_fin_upstream", "moq-lite-06", false, false, "02180308726f6f6d2f63616d0462617265078000753000000000",
     "", "SUBSCRIBE", ""},
    {"probe", "moq-lite-06", false, false, "04",
     "09c000000f424000000909c000000f424000000609c000000f4240000009", "", "PROBE PROBE PROBE"},
    {"unknown_stream_type", "moq-lite-06", false, false, "4077027a7a",
     "", "?", ""},
    {"subscribe.end_frame_without_end_group", "moq-lite-06", false, false, "02190408726f6f6d2f63616d05766964656f078000753000000004",
     "", "?", ""},
    {"subscribe.relay_upstream", "moq-lite-06", true, false, "02190008726f6f6d2f63616d05766964656f078000753005080002090980004e20050a0000090980004e2005000000",
     "00010502030c0d3401010e", "SUBSCRIBE UPDATE UPDATE", "OK DROP END"},
    {"group.unsubscribed", "moq-lite-06", true, true, "000301010028026131",
     "", "GROUP FRAME", ""},
    {"group.old", "moq-lite-06", true, true, "00030004005f40056734206630",
     "", "GROUP FRAME", ""},
    {"group.code2", "moq-lite-06", true, true, "00030005006710056735206630",
     "", "GROUP FRAME", ""},
    {"subscribe.end", "moq-lite-06", false, false, "02100003722f630176078000753000000000",
     "000102010107", "SUBSCRIBE", "OK END"},
    {"subscribe.drop_upstream", "moq-lite-06", true, false, "02100103722f630164078000753000000000",
     "0001000203010234010104", "SUBSCRIBE", "OK DROP END"},
    {"subscribe.drop_downstream", "moq-lite-06", false, false, "02100103722f630164078000753000000000",
     "000100010104", "SUBSCRIBE", "OK END"},
    {"subscribe.empty_track", "moq-lite-06", false, false, "02100303722f63017a078000753000000000",
     "010100", "SUBSCRIBE", "END"},
    {"subscribe.refused", "moq-lite-06", false, false, "02100403722f630171078000753000000000",
     "", "SUBSCRIBE", ""},
    {"fetch.upstream", "moq-lite-06", true, false, "030a03722f63017709020100",
     "4ff005673220663140500567322066324050056732206633", "FETCH", "FRAME FRAME FRAME"},
    {"fetch.range", "moq-lite-06", false, false, "030a03722f63017709020103",
     "4ff00567322066314050056732206632", "FETCH", "FRAME FRAME"},
    {"fetch.refused", "moq-lite-06", false, false, "030b03722f6301770940630000",
     "", "FETCH", ""},
    {"setup.cluster_dialer", "moq-lite-06", true, true, "0112040502509202052f70656572010101040107",
     "", "SETUP", ""},
    {"announce.cost_charged_and_drained", "moq-lite-06", false, false, "010100",
     "03509201000a0366617202014abc111b02150002014abcffffffffffffffffffffffffffffffff", "ANNOUNCE_REQUEST", "ANNOUNCE_OK START RESTART"},
    {"client.announce", "moq-lite-06", false, false, "010100",
     "09c01ac94e84c7d30e01000c08636c692f64656d6f000000020400000505010100", "ANNOUNCE_REQUEST", "ANNOUNCE_OK START RESTART END"},
    {"client.subscribe", "moq-lite-06", true, false, "021600087372762f64656d6f05636c6f636b000000000000",
     "000103", "SUBSCRIBE", "OK"},
    {"client.probe", "moq-lite-06", true, false, "04",
     "05804c4b4014", "", "PROBE"},
    {"client.track_refused", "moq-lite-06", true, false, "060e087372762f64656d6f046e6f7065",
     "", "TRACK", ""},
    {"announce.hidden.root", "moq-lite-06", false, false, "010100",
     "0350920100090364796e0151110101", "ANNOUNCE_REQUEST", "ANNOUNCE_OK START"},
    {"announce.exact_prefix", "moq-lite-06", false, false, "010706722f2e736563",
     "035092010006000151110101", "ANNOUNCE_REQUEST", "ANNOUNCE_OK START"},
    {"lite05.publisher.1", "moq-lite-05", true, false, "0103005092",
     "0580005151010701046669766500080204666976650107", "ANNOUNCE_REQUEST", "ANNOUNCE_OK ANNOUNCE ANNOUNCE"},
    {"lite05.publisher.2", "moq-lite-05", false, true, "010701050480005151",
     "", "SETUP", ""},
    {"lite05.publisher.3", "moq-lite-05", true, true, "01080201010105025092",
     "", "SETUP", ""},
    {"lite05.publisher.9", "moq-lite-05", true, false, "060704666976650176",
     "0803018000ea6043e8", "TRACK", "TRACK_INFO"},
    {"lite05.subscriber.0", "moq-lite-05", false, false, "01020000",
     "0350920308010364796e0151110c01046669766502078000515109010473616d65017434", "ANNOUNCE_REQUEST", "ANNOUNCE_OK ANNOUNCE ANNOUNCE ANNOUNCE"},
    {"lite05.subscriber.1", "moq-lite-05", true, false, "0103005092",
     "", "ANNOUNCE_REQUEST", ""},
    {"lite05.subscriber.2", "moq-lite-05", false, true, "010701050480005252",
     "", "SETUP", ""},
    {"lite05.subscriber.3", "moq-lite-05", true, true, "01080201010105025092",
     "", "SETUP", ""},
    {"lite05.subscriber.8", "moq-lite-05", false, false, "060704666976650176",
     "0803008000ea6043e8", "TRACK", "TRACK_INFO"},
    {"fetch_cancel", "moq-lite-06", true, false, "03080164016609070000",
     "", "FETCH", ""},
    {"unknown_uni", "moq-lite-06", false, true, "090178",
     "", "?", ""},
    {"unknown_subscription", "moq-lite-06", false, true, "0004404d0000000178",
     "", "GROUP FRAME", ""},
};
// clang-format on

/// What this side does otherwise, on purpose. Besides, where the real peers stop a stream with 0 that is over, this side stops
/// one with the number of its reset, or with 1.
struct Deviation {
    std::string_view exchange;
    std::string_view why;
};

inline constexpr Deviation deviations[] = {
    {"announce.relay_to_subscriber", "A change is told at once: the real relay holds it for 0.3 s, in which an END overtakes it."},
    {"track.unroutable", "A peer that has nothing there says NotFound; Unroutable is for a peer that is about to go."},
    {"subscribe.unroutable", "As with TRACK."},
    {"subscribe.left_by_fin", "A subscription that its subscriber ends is cancelled, and not at its end: it is reset, as its groups are."},
    {"unknown_stream_type", "A type that this side does not know is an internal error, and not cancelled."},
    {"lite05.publisher.1", "Status 2, a restart, is read, and never written: every peer takes a second 1."},
    {"track.fin_behind_request", "FIN says that the peer has asked, and the answer goes to a peer that still reads it; older peers mean that."},
    {"fetch.fin_behind_request", "As with TRACK."},
    {"subscribe.end_frame_without_end_group", "A malformed request is refused as a malformed track, not as cancelled."},
    {"subscribe.relay_upstream", "Whole groups are asked for."},
    {"subscribe.drop_downstream", "DROP is told on: readers downstream need not wait for the group."},
    {"fetch.upstream", "The whole group is asked for: a part of one is not kept."},
    {"lite05.subscriber.8", "The order that the publisher wishes is told on."},
};

inline const Exchange &exchange_named(std::string_view name) {
    const auto *const found = std::find_if(std::begin(exchanges), std::end(exchanges), [&](const Exchange &one) { return one.name == name; });
    if (found == std::end(exchanges)) throw std::logic_error("there is no exchange " + std::string(name));
    return *found;
}

inline bool is_deviating(std::string_view name) {
    return std::any_of(std::begin(deviations), std::end(deviations), [&](const Deviation &one) { return one.exchange == name; });
}

}  // namespace comoq::test
