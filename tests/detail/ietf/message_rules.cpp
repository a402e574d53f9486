// What the drafts demand of messages, in both directions: what would end the session is not written.
#include <comoq/detail/ietf/control_codec.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "detail/ietf/control_case.hpp"
#include "support/catch.hpp"
#include "support/hex.hpp"

namespace message_rules_tests {

using namespace comoq::ietf;
using namespace comoq::ietf::control_case;
using comoq::test::of_hex;

TEST_CASE("ietf 1: in draft 16 a namespace has a field, but a prefix need not have one", "[ietf]") {
    for (const Draft draft : all_drafts) {
        const bool is_fine = draft != Draft::Draft16;
        CHECK(can_write(subscribe({}, "v"), draft) == is_fine);
        CHECK(can_write(PublishNamespace{}, draft) == is_fine);
        CHECK(again(SubscribeNamespace{}, draft) == ControlMessage(SubscribeNamespace{}));
        CHECK(again(NamespaceFound{}, draft) == ControlMessage(NamespaceFound{}));
        const auto code = is_fine ? CloseCode::None : CloseCode::ProtocolViolation;
        CHECK(read(0x03, "0000017600", draft).code == code);
        CHECK(read(0x06, "000000", draft).code == code);
    }
}

TEST_CASE("ietf 1: in draft 16 a delivery timeout of zero is wrong, and is left out", "[ietf]") {
    for (const Draft draft : all_drafts) {
        const bool is_fine = draft != Draft::Draft16;
        const auto code = is_fine ? CloseCode::None : CloseCode::ProtocolViolation;
        CHECK(read(0x03, "000101610176010200", draft).code == code);
        CHECK(read(0x1d, "00010161017600000200", draft).code == code);
        CHECK(read(0x1d, "00010161017600000201", draft).code == CloseCode::None);
        Subscribe wishes = subscribe({"a"}, "v");
        wishes.parameters.object_delivery_timeout = 0;
        wishes.parameters.forward = false;
        Publish offer;
        offer.track = wishes.track;
        offer.properties.add(2, 0);
        offer.properties.add(4, 5);
        const auto read_wishes = again(wishes, draft);
        const auto read_offer = again(offer, draft);
        if (!is_fine) {
            wishes.parameters.object_delivery_timeout.reset();
            offer.properties = Pairs();
            offer.properties.add(4, 5);
        }
        CHECK(read_wishes == ControlMessage(wishes));
        CHECK(read_offer == ControlMessage(offer));
    }
}

TEST_CASE("ietf 1: what would end the session is not written", "[ietf]") {
    for (const Draft draft : all_drafts) {
        Subscribe wishes = subscribe({"a"}, "v");
        wishes.parameters.tokens.resize(most_tokens);
        CHECK(again(wishes, draft) == ControlMessage(wishes));
        wishes.parameters.tokens.resize(most_tokens + 1);
        CHECK_FALSE(can_write(wishes, draft));

        const std::pair<std::uint64_t, std::uint64_t> out_of_bounds[] = {{0x22, 0}, {0x22, 3}, {0x30, 2}};
        for (const auto &[type, number] : out_of_bounds) {
            Pairs properties;
            properties.add(type, number);
            SubscribeOk answer;
            answer.properties = properties;
            CHECK_FALSE(can_write(answer, draft));
            Publish offer;
            offer.track = wishes.track;
            offer.properties = properties;
            CHECK_FALSE(can_write(offer, draft));
            FetchOk range;
            range.end = RangeEnd{7, 3};
            CHECK(can_write(range, draft));
            range.properties = properties;
            CHECK_FALSE(can_write(range, draft));
            RequestOk state;
            state.properties = properties;
            // Draft 16 leaves them out.
            CHECK(can_write(state, draft) == dialect_of(draft).shared_stream);
        }

        const auto with_options = [&](std::uint64_t type, std::string_view first, std::string_view second) {
            Setup setup;
            setup.options.add(type, of_hex(first));
            if (!second.empty()) setup.options.add(type, of_hex(second));
            return can_write(setup, draft);
        };
        CHECK(with_options(7, "61", ""));
        CHECK_FALSE(with_options(7, "61", "62"));
        CHECK(with_options(0x0d, "61", "62"));
        CHECK(with_options(3, "0300", "010200"));
        CHECK_FALSE(with_options(3, "0300", "0001"));
        CHECK_FALSE(with_options(3, "0201", ""));
        CHECK_FALSE(with_options(3, "", ""));
    }
}

TEST_CASE("ietf 1: what a SUBSCRIBE can say a SUBSCRIBE_TRACKS can say from draft 20 on", "[ietf]") {
    Parameters all[10];
    all[0].object_delivery_timeout = 300;
    all[1].rendezvous_timeout = 300;
    all[2].subgroup_delivery_timeout = 300;
    all[3].forward = false;
    all[4].subscriber_priority = 3;
    all[5].filter = Filter{Filter::Kind::Absolute, 0, {300, 200}, {}};
    all[6].group_order = GroupOrder::Descending;
    all[7].fill = "\x01";
    all[8].new_group_request = 300;
    all[9].include_properties = false;
    for (const Draft draft : {Draft::Draft20, Draft::Draft22})
        for (const auto &parameters : all) {
            SubscribeTracks message{4, {"a"}, parameters};
            REQUIRE(can_write(message, draft));
            CHECK(again(message, draft) == ControlMessage(message));
        }
    // In draft 18 few of them may be there.
    for (const std::size_t i : {0u, 1u, 2u, 4u, 5u, 6u, 8u})
        CHECK_FALSE(can_write(SubscribeTracks{4, {"a"}, all[i]}, Draft::Draft18));
    CHECK(read(0x51, "00000102837f", Draft::Draft20).code == CloseCode::None);
    CHECK(read(0x51, "00000102837f").code == CloseCode::ProtocolViolation);
}

TEST_CASE("ietf 1: a filter that is longer or shorter than its length says violates the protocol", "[ietf]") {
    for (const Draft draft : {Draft::Draft16, Draft::Draft18}) {
        CHECK(read(0x03, "00010161017601210102", draft).code == CloseCode::None);
        CHECK(read(0x03, "0001016101760121020200", draft).code == CloseCode::ProtocolViolation);
        CHECK(read(0x03, "00010161017601210103", draft).code == CloseCode::ProtocolViolation);
    }
}

}  // namespace message_rules_tests
