// Control messages of MoQ Transport from three sources: an encoder written from the text of the drafts, aiomoqt 0.13.3, and
// @moq/net 0.3.4. Each was read by at least one more decoder, which made the same of it.
#include <comoq/detail/ietf/control_codec.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "detail/ietf/shown_message.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/hex.hpp"

namespace control_vectors_tests {

using namespace comoq::ietf;
using comoq::test::hex_of;
using comoq::test::of_hex;
using shown_message::shown;

namespace {

constexpr Draft draft_16 = Draft::Draft16, draft_18 = Draft::Draft18;
constexpr Draft draft_20 = Draft::Draft20, draft_22 = Draft::Draft22;
constexpr StreamKind request = StreamKind::Request, control_stream = StreamKind::Control;

struct Vector {
    Draft draft;
    StreamKind stream;
    std::string_view hex;
    std::string_view text;
};

constexpr Vector valid_vectors[] = {
    {draft_18, control_stream, "af000000", "SETUP <>"},
    {draft_18, control_stream, "af00001b030803007365637265740190000301788096066772656173657f07", "SETUP <3=0300736563726574 4=4096 7=78 157=677265617365 284=7>"},
    {draft_18, control_stream, "100015126d6f71743a2f2f622e6578616d706c652f780000", "GOAWAY moqt://b.example/x 0 0"},
    {draft_18, request, "1000020000", "GOAWAY  0"},
    {draft_18, request, "07000100", "REQUEST_OK {} <>"},
    {draft_18, request, "0700130208c0ea600107030281f402c075300a641402", "REQUEST_OK {expires=60000 largest_object=7/3} <2=500 4=30000 14=100 34=2>"},
    {draft_18, request, "05001010000d6e6f207375636820747261636b", "REQUEST_ERROR 16 0 no such track"},
    {draft_18, request, "0500213401056d6f766564116d6f71743a2f2f632e6578616d706c652f02016101620174", "REQUEST_ERROR 52 1 moved moqt://c.example/ [a,b]/t"},
    {draft_18, request, "03001f0002086d6f712d7465737407696e7465726f700a746573742d747261636b00", "SUBSCRIBE 0 [moq-test,interop]/test-track {}"},
    {draft_18, request, "0300230002086d6f712d7465737407696e7465726f7005766964656f04100110800101020102", "SUBSCRIBE 0 [moq-test,interop]/video {forward=1 subscriber_priority=128 filter=next group_order=2}"},
    {draft_18, request, "03000a02010161017601210101", "SUBSCRIBE 2 [a]/v {filter=relative:0}"},
    {draft_18, request, "0300450e20016101620163016401650166016701680169016a016b016c016d016e016f0170017101720173017401750176017701780179017a016101620163016401650166016e00", "SUBSCRIBE 14 [a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,a,b,c,d,e,f]/n {}"},
    {draft_18, request, "03000c10020300ff2f012502fe0100", "SUBSCRIBE 16 [hex:00ff2f,%]/hex:fe01 {}"},
    {draft_18, request, "0400020000", "SUBSCRIBE_OK 0 {} <>"},
    {draft_18, request, "04001d83e802080001f900000000007f0280fa02938804c15f90061014010e01", "SUBSCRIBE_OK 1000 {expires=0 largest_object=1099511627776/127} <2=250 4=5000 8=90000 14=16 34=1 48=1>"},
    {draft_18, request, "04001c05000b06380901020102b7f603617070c047ffff8000000000000000", "SUBSCRIBE_OK 5 {} <11=380901020102 14337=617070 32768=9223372036854775808>"},
    {draft_18, request, "020006120210001000", "REQUEST_UPDATE 18 {forward=0 subscriber_priority=0}"},
    {draft_18, request, "0200081401340201610162", "REQUEST_UPDATE 20 {prefix=[a,b]}"},
    {draft_18, request, "1d001b0102086d6f712d7465737407696e7465726f700174030110010e05", "PUBLISH 1 [moq-test,interop]/t 3 {forward=1} <14=5>"},
    {draft_18, request, "07000a04100110100101020101", "REQUEST_OK {forward=1 subscriber_priority=16 filter=next group_order=1} <>"},
    {draft_18, request, "0b0006021103627965", "PUBLISH_DONE 2 17 bye"},
    {draft_18, request, "16000c180101016101760500070000", "FETCH 24 [a]/v 5/0 7 {}"},
    {draft_18, request, "1600051c02000000", "FETCH 28 join2 0 0 {}"},
    {draft_18, request, "18000400070c00", "FETCH_OK 0 7/11 {} <>"},
    {draft_18, request, "18000b01f20000000000000483e8", "FETCH_OK 1 8589934592 {} <4=1000>"},
    {draft_18, request, "0d0009200201610162017600", "TRACK_STATUS 32 [a,b]/v {}"},
    {draft_18, request, "0600140002086d6f712d7465737407696e7465726f7000", "PUBLISH_NAMESPACE 0 [moq-test,interop] {}"},
    {draft_18, request, "06000c0201016101030503016a7774", "PUBLISH_NAMESPACE 2 [a] {token=3:0:1:6a7774}"},
    {draft_18, request, "50000c0001086d6f712d7465737400", "SUBSCRIBE_NAMESPACE 0 [moq-test] {}"},
    {draft_18, request, "500003020000", "SUBSCRIBE_NAMESPACE 2 [] {}"},
    {draft_18, request, "51000704010161011000", "SUBSCRIBE_TRACKS 4 [a] {forward=0}"},
    {draft_18, request, "08000b0207696e7465726f700178", "NAMESPACE [interop,x]"},
    {draft_18, request, "0e000b0207696e7465726f700178", "NAMESPACE_DONE [interop,x]"},
    {draft_18, request, "0f00050101780174", "PUBLISH_BLOCKED [x]/t"},
    {draft_20, control_stream, "af00002a01092f6c6976653f783d31041272656c61792e6578616d706c653a343434330209636f6d6f7120302e31", "SETUP <1=2f6c6976653f783d31 5=72656c61792e6578616d706c653a34343433 7=636f6d6f7120302e31>"},
    {draft_20, control_stream, "af00001b030803007365637265740190000301788096066772656173657f07", "SETUP <3=0300736563726574 4=4096 7=78 157=677265617365 284=7>"},
    {draft_20, control_stream, "100015126d6f71743a2f2f622e6578616d706c652f789388", "GOAWAY moqt://b.example/x 5000"},
    {draft_20, request, "07000100", "REQUEST_OK {} <>"},
    {draft_20, request, "0700130208c0ea600107030281f402c075300a641402", "REQUEST_OK {expires=60000 largest_object=7/3} <2=500 4=30000 14=100 34=2>"},
    {draft_20, request, "05001010000d6e6f207375636820747261636b", "REQUEST_ERROR 16 0 no such track"},
    {draft_20, request, "0500040987d000", "REQUEST_ERROR 9 2000 "},
    {draft_20, request, "0500213401056d6f766564116d6f71743a2f2f632e6578616d706c652f02016101620174", "REQUEST_ERROR 52 1 moved moqt://c.example/ [a,b]/t"},
    {draft_20, request, "03001f0002086d6f712d7465737407696e7465726f700a746573742d747261636b00", "SUBSCRIBE 0 [moq-test,interop]/test-track {}"},
    {draft_20, request, "03001c0002086d6f712d7465737407696e7465726f7005766964656f012100", "SUBSCRIBE 0 [moq-test,interop]/video {filter=everything}"},
    {draft_20, request, "03000b0001016101760121020000", "SUBSCRIBE 0 [a]/v {filter=next}"},
    {draft_20, request, "03000b0001016101760121026405", "SUBSCRIBE 0 [a]/v {filter=100/5..}"},
    {draft_20, request, "0300130a010161017602030601070072656700020207", "SUBSCRIBE 10 [a]/v {token=1:7:0:726567 token=2:7:0:}"},
    {draft_20, request, "04001c05000b06380901020102b7f603617070c047ffff8000000000000000", "SUBSCRIBE_OK 5 {} <11=380901020102 14337=617070 32768=9223372036854775808>"},
    {draft_20, request, "0400060500c0400001", "SUBSCRIBE_OK 5 {} <16384=1>"},
    {draft_20, request, "020006120210001000", "REQUEST_UPDATE 18 {forward=0 subscriber_priority=0}"},
    {draft_20, request, "0200081401340201610162", "REQUEST_UPDATE 20 {prefix=[a,b]}"},
    {draft_20, request, "1d001b0102086d6f712d7465737407696e7465726f700174030110010e05", "PUBLISH 1 [moq-test,interop]/t 3 {forward=1} <14=5>"},
    {draft_20, request, "0b0006021103627965", "PUBLISH_DONE 2 17 bye"},
    {draft_20, request, "0b000b00ffffffffffffffffff00", "PUBLISH_DONE 0 - "},
    {draft_20, request, "16000c180101610176012103050001", "FETCH 24 [a]/v {filter=5/0..6}"},
    {draft_20, request, "0d0009200201610162017600", "TRACK_STATUS 32 [a,b]/v {}"},
    {draft_20, request, "0600140002086d6f712d7465737407696e7465726f7000", "PUBLISH_NAMESPACE 0 [moq-test,interop] {}"},
    {draft_20, request, "06000c0201016101030503016a7774", "PUBLISH_NAMESPACE 2 [a] {token=3:0:1:6a7774}"},
    {draft_20, request, "50000c0001086d6f712d7465737400", "SUBSCRIBE_NAMESPACE 0 [moq-test] {}"},
    {draft_20, request, "500003020000", "SUBSCRIBE_NAMESPACE 2 [] {}"},
    {draft_20, request, "08000100", "NAMESPACE []"},
    {draft_18, request, "0300250002086d6f712d7465737407696e7465726f7005766964656f041001108001030300000102", "SUBSCRIBE 0 [moq-test,interop]/video {forward=1 subscriber_priority=128 filter=0/0.. group_order=2}"},
    {draft_20, request, "0300220002086d6f712d7465737407696e7465726f7005766964656f041001108001000102", "SUBSCRIBE 0 [moq-test,interop]/video {forward=1 subscriber_priority=128 filter=everything group_order=2}"},
    {draft_18, request, "030014812c01016102c3a9041001100001030300000102", "SUBSCRIBE 300 [a]/é {forward=1 subscriber_priority=0 filter=0/0.. group_order=2}"},
    {draft_20, request, "030011812c01016102c3a9041001100001000102", "SUBSCRIBE 300 [a]/é {forward=1 subscriber_priority=0 filter=everything group_order=2}"},
    {draft_18, request, "03001604020161016201760410011001010504640580c80102", "SUBSCRIBE 4 [a,b]/v {forward=1 subscriber_priority=1 filter=100/5..300 group_order=2}"},
    {draft_16, request, "030012060201610162017604100110010101020102", "SUBSCRIBE 6 [a,b]/v {forward=1 subscriber_priority=1 filter=next group_order=2}"},
    {draft_18, request, "030012060201610162017604100110010101020102", "SUBSCRIBE 6 [a,b]/v {forward=1 subscriber_priority=1 filter=next group_order=2}"},
    {draft_18, request, "030012060201610162017604100110010101010102", "SUBSCRIBE 6 [a,b]/v {forward=1 subscriber_priority=1 filter=relative:0 group_order=2}"},
    {draft_20, request, "030012060201610162017604100110010101000102", "SUBSCRIBE 6 [a,b]/v {forward=1 subscriber_priority=1 filter=relative:0 group_order=2}"},
    {draft_16, request, "040003000000", "SUBSCRIBE_OK 0 0 {} <>"},
    {draft_20, request, "0400020000", "SUBSCRIBE_OK 0 {} <>"},
    {draft_16, request, "0400040243e800", "SUBSCRIBE_OK 2 1000 {} <>"},
    {draft_16, request, "0a000102", "UNSUBSCRIBE 2"},
    {draft_16, request, "1d001e0102086d6f712d7465737407696e7465726f700174030209030a412c0701", "PUBLISH 1 [moq-test,interop]/t 3 {largest_object=10/300 forward=1} <>"},
    {draft_16, request, "0b000704020003627965", "PUBLISH_DONE 4 2 0 bye"},
    {draft_18, request, "0b0006020003627965", "PUBLISH_DONE 2 0 bye"},
    {draft_20, request, "50000c0201086d6f712d7465737400", "SUBSCRIBE_NAMESPACE 2 [moq-test] {}"},
    {draft_16, request, "0500110210000d6e6f207375636820747261636b", "REQUEST_ERROR 2 16 0 no such track"},
    {draft_18, request, "1000161368747470733a2f2f622e6578616d706c652f789388", "GOAWAY https://b.example/x 5000"},
    {draft_20, request, "1000161368747470733a2f2f622e6578616d706c652f789388", "GOAWAY https://b.example/x 5000"},
    {draft_16, request, "0d0009060201610162017600", "TRACK_STATUS 6 [a,b]/v {}"},
    {draft_18, request, "0d0009060201610162017600", "TRACK_STATUS 6 [a,b]/v {}"},
    {draft_20, control_stream, "af000000", "SETUP <>"},
    {draft_20, control_stream, "af00000d01022f7806076d6f712d6e6574", "SETUP <1=2f78 7=6d6f712d6e6574>"},
    {draft_20, control_stream, "af000009c40b55010901030401", "SETUP <265045=09 265046=3 265050=1>"},
    {draft_16, request, "0300290002086d6f712d7465737407696e7465726f700a746573742d747261636b0410011040800101020101", "SUBSCRIBE 0 [moq-test,interop]/test-track {forward=1 subscriber_priority=128 filter=next group_order=1}"},
    {draft_16, request, "0300240202086d6f712d7465737407696e7465726f7001740410001001010604406405412c0102", "SUBSCRIBE 2 [moq-test,interop]/t {forward=0 subscriber_priority=1 filter=100/5..300 group_order=2}"},
    {draft_22, request, "03001c0002086d6f712d7465737407696e7465726f70017403100110800100", "SUBSCRIBE 0 [moq-test,interop]/t {forward=1 subscriber_priority=128 filter=everything}"},
    {draft_22, request, "16001c0402086d6f712d7465737407696e7465726f70017403208001000101", "FETCH 4 [moq-test,interop]/t {subscriber_priority=128 filter=everything group_order=1}"},
    {draft_20, request, "03001e0002086d6f712d7465737407696e7465726f700174031001108001020000", "SUBSCRIBE 0 [moq-test,interop]/t {forward=1 subscriber_priority=128 filter=next}"},
    {draft_22, request, "03001c0002086d6f712d7465737407696e7465726f70017403100110800105", "SUBSCRIBE 0 [moq-test,interop]/t {forward=1 subscriber_priority=128 filter=next}"},
    {draft_22, request, "16001c0402086d6f712d7465737407696e7465726f70017403208001050101", "FETCH 4 [moq-test,interop]/t {subscriber_priority=128 filter=next group_order=1}"},
    {draft_20, request, "03001d0002086d6f712d7465737407696e7465726f7001740310011080010100", "SUBSCRIBE 0 [moq-test,interop]/t {forward=1 subscriber_priority=128 filter=relative:0}"},
    {draft_20, request, "16001d0402086d6f712d7465737407696e7465726f7001740320800101000101", "FETCH 4 [moq-test,interop]/t {subscriber_priority=128 filter=relative:0 group_order=1}"},
    {draft_22, request, "03001d0002086d6f712d7465737407696e7465726f7001740310011080010101", "SUBSCRIBE 0 [moq-test,interop]/t {forward=1 subscriber_priority=128 filter=relative:1}"},
    {draft_20, request, "16001d0402086d6f712d7465737407696e7465726f7001740320800101010101", "FETCH 4 [moq-test,interop]/t {subscriber_priority=128 filter=relative:1 group_order=1}"},
    {draft_22, request, "03001e0002086d6f712d7465737407696e7465726f700174031001108001026405", "SUBSCRIBE 0 [moq-test,interop]/t {forward=1 subscriber_priority=128 filter=100/5..}"},
    {draft_20, request, "16001e0402086d6f712d7465737407696e7465726f700174032080010264050101", "FETCH 4 [moq-test,interop]/t {subscriber_priority=128 filter=100/5.. group_order=1}"},
    {draft_22, request, "0300200002086d6f712d7465737407696e7465726f70017403100110800103640580c8", "SUBSCRIBE 0 [moq-test,interop]/t {forward=1 subscriber_priority=128 filter=100/5..300}"},
    {draft_22, request, "1600200402086d6f712d7465737407696e7465726f7001740320800103640580c80101", "FETCH 4 [moq-test,interop]/t {subscriber_priority=128 filter=100/5..300 group_order=1}"},
    {draft_22, request, "0300220002086d6f712d7465737407696e7465726f70017403100110800104640580c880c8", "SUBSCRIBE 0 [moq-test,interop]/t {forward=1 subscriber_priority=128 filter=100/5..300/200}"},
    {draft_20, request, "1600220402086d6f712d7465737407696e7465726f7001740320800106640580c880c80101", "FETCH 4 [moq-test,interop]/t {subscriber_priority=128 filter=100/5..300/200 group_order=1}"},
    {draft_22, request, "1600220402086d6f712d7465737407696e7465726f7001740320800104640580c880c80101", "FETCH 4 [moq-test,interop]/t {subscriber_priority=128 filter=100/5..300/200 group_order=1}"},
    {draft_16, request, "040016000702088000ea600104412c40c8300177d103617070", "SUBSCRIBE_OK 0 7 {expires=60000 largest_object=300/200} <48=1 14337=617070>"},
    {draft_18, request, "040013070208c0ea6001812c80c83001b7d103617070", "SUBSCRIBE_OK 7 {expires=60000 largest_object=300/200} <48=1 14337=617070>"},
    {draft_20, request, "040013070208c0ea6001812c80c83001b7d103617070", "SUBSCRIBE_OK 7 {expires=60000 largest_object=300/200} <48=1 14337=617070>"},
    {draft_22, request, "1d001d0102086d6f712d7465737407696e7465726f7001740302090a812c0701", "PUBLISH 1 [moq-test,interop]/t 3 {largest_object=10/300 forward=1} <>"},
    {draft_22, request, "07000100", "REQUEST_OK {} <>"},
    {draft_20, request, "05002e3401056d6f766564116d6f71743a2f2f632e6578616d706c652f02086d6f712d7465737407696e7465726f700174", "REQUEST_ERROR 52 1 moved moqt://c.example/ [moq-test,interop]/t"},
    {draft_20, request, "0200060402100010ff", "REQUEST_UPDATE 4 {forward=0 subscriber_priority=255}"},
    {draft_16, request, "0600140002086d6f712d7465737407696e7465726f7000", "PUBLISH_NAMESPACE 0 [moq-test,interop] {}"},
    {draft_16, request, "11000d0201086d6f712d746573740100", "SUBSCRIBE_NAMESPACE 2 [moq-test] 1 {}"},
    {draft_20, request, "51000c0201086d6f712d7465737400", "SUBSCRIBE_TRACKS 2 [moq-test] {}"},
    {draft_22, request, "51000c0201086d6f712d7465737400", "SUBSCRIBE_TRACKS 2 [moq-test] {}"},
    {draft_16, request, "0d00160602086d6f712d7465737407696e7465726f70017400", "TRACK_STATUS 6 [moq-test,interop]/t {}"},
    {draft_18, request, "0d00160602086d6f712d7465737407696e7465726f70017400", "TRACK_STATUS 6 [moq-test,interop]/t {}"},
    {draft_16, request, "0800090107696e7465726f70", "NAMESPACE [interop]"},
    {draft_18, request, "0800090107696e7465726f70", "NAMESPACE [interop]"},
    {draft_20, request, "0800090107696e7465726f70", "NAMESPACE [interop]"},
    {draft_22, request, "0800090107696e7465726f70", "NAMESPACE [interop]"},
    {draft_18, request, "0e00090107696e7465726f70", "NAMESPACE_DONE [interop]"},
    {draft_16, control_stream, "100013126d6f71743a2f2f622e6578616d706c652f78", "GOAWAY moqt://b.example/x 0"},
    {draft_16, request, "160020040102086d6f712d7465737407696e7465726f70017405000700022040800201", "FETCH 4 [moq-test,interop]/t 5/0 7 {subscriber_priority=128 group_order=1}"},
    {draft_18, request, "16001f040102086d6f712d7465737407696e7465726f700174050007000220800201", "FETCH 4 [moq-test,interop]/t 5/0 7 {subscriber_priority=128 group_order=1}"},
    {draft_16, request, "16000a04020200022040800201", "FETCH 4 join2 2 0 {subscriber_priority=128 group_order=1}"},
    {draft_20, request, "18000400070b00", "FETCH_OK 0 7/11 {} <>"},
};

/// A count, and parameters.
constexpr Vector parameter_vectors[] = {
    {draft_16, request, "012040c8", "{subscriber_priority=200}"},
    {draft_16, request, "012201", "{group_order=1}"},
    {draft_16, request, "011000", "{forward=0}"},
    {draft_16, request, "010903412c02", "{largest_object=300/2}"},
    {draft_16, request, "01088000ea60", "{expires=60000}"},
    {draft_18, request, "011000", "{forward=0}"},
    {draft_18, request, "0108c0ea60", "{expires=60000}"},
    {draft_18, request, "010280fa", "{object_delivery_timeout=250}"},
    {draft_20, request, "0120c8", "{subscriber_priority=200}"},
    {draft_20, request, "010280fa", "{object_delivery_timeout=250}"},
};

/// Each ends the session with PROTOCOL_VIOLATION.
constexpr Vector invalid_vectors[] = {
    {draft_18, request, "03000b06010161017601210280fa", "PROTOCOL_VIOLATION: filter type"},
    {draft_18, request, "0300080e02016100016e00", "PROTOCOL_VIOLATION: empty field"},
    {draft_18, request, "030009100101610176014001", "PROTOCOL_VIOLATION: unknown parameter"},
    {draft_18, request, "030009100101610176011002", "PROTOCOL_VIOLATION: forward"},
    {draft_18, request, "0300081001016101760000", "PROTOCOL_VIOLATION: length"},
    {draft_18, request, "1600051e04046400", "PROTOCOL_VIOLATION: fetch type"},
    {draft_20, request, "030009100101610176014001", "PROTOCOL_VIOLATION: unknown parameter"},
    {draft_20, request, "03000b1001016101760210010001", "PROTOCOL_VIOLATION: duplicate parameter"},
    {draft_20, request, "0300081001016101760000", "PROTOCOL_VIOLATION: length"},
    {draft_20, request, "3f0000", "session close: unknown message"},
};

/// What @moq/net 0.3.4 writes against the text of draft 20.
constexpr Vector nonconforming_vectors[] = {
    {draft_16, request, "1800070400070c012202", "an order in a FETCH_OK"},
    {draft_20, request, "03001c08020161016201760610011001010200000102010401210101120100", "INCLUDE_PROPERTIES has a length (the text: one byte)"},
    {draft_20, request, "04000f83e8010904812c80c808c15f901a02", "LARGEST_OBJECT has a length"},
    {draft_20, request, "1d00200102086d6f712d7465737407696e7465726f700174030209030a812c07012202", "LARGEST_OBJECT has a length (the text: two bare vi64)"},
};

DecodedMessage decoded(const Vector &vector, std::span<const std::byte> octets) {
    const auto framed = next_message(octets, vector.draft);
    REQUIRE(framed);
    CHECK(framed->size == octets.size());
    return decode(*framed, vector.draft, vector.stream);
}

}  // namespace

TEST_CASE("ietf 1: a control message has the fields that its writer gave it", "[ietf]") {
    for (const Vector &vector : valid_vectors) {
        INFO(vector.hex);
        const auto octets = of_hex(vector.hex);
        const auto read = decoded(vector, octets);
        REQUIRE(read.message);
        CHECK(shown(*read.message, vector.draft) == vector.text);
        std::vector<std::byte> written;
        encode(*read.message, vector.draft, vector.stream, written);
        CHECK(hex_of(written) == vector.hex);
    }
}

TEST_CASE("ietf 1: parameters have the values that their writer gave them", "[ietf]") {
    for (const Vector &vector : parameter_vectors) {
        INFO(vector.hex);
        const auto octets = of_hex(vector.hex);
        // Some are a subscriber's, some a publisher's.
        FieldReader reader(octets, dialect_of(vector.draft));
        auto place = detail::in_subscribe;
        auto parameters = read_parameters(reader, place);
        if (!reader.ok() || parameters == Parameters()) {
            place = detail::in_publish;
            FieldReader other(octets, dialect_of(vector.draft));
            parameters = read_parameters(other, place);
            CHECK(other.ok());
            CHECK(other.empty());
        }
        CHECK(shown(parameters).substr(1) == vector.text);
        std::vector<std::byte> written;
        FieldWriter writer(written, dialect_of(vector.draft));
        write_parameters(writer, parameters, place);
        CHECK(hex_of(written) == vector.hex);
    }
}

TEST_CASE("ietf 1: a control message that is cut asks for more, and costs nothing", "[ietf]") {
    for (const Vector &vector : valid_vectors) {
        const auto octets = of_hex(vector.hex);
        const comoq::test::AllocationCount count;
        bool any = false;
        for (std::size_t size = 0; size < octets.size(); ++size)
            any = any || next_message(std::span(octets).first(size), vector.draft);
        CHECK(count.made() == 0);
        CHECK_FALSE(any);
    }
}

TEST_CASE("ietf 1: a body that ends too early ends the session", "[ietf]") {
    for (const Vector &vector : valid_vectors) {
        const auto octets = of_hex(vector.hex);
        const auto framed = next_message(octets, vector.draft);
        REQUIRE(framed);
        for (std::size_t size = 0; size < framed->body.size(); ++size) {
            INFO(vector.hex << " cut to " << size);
            const FramedMessage cut{framed->type, framed->body.first(size), framed->size};
            const auto read = decode(cut, vector.draft, vector.stream);
            // Some end with pairs, or with a value, to the end of the message.
            CHECK(read.message.has_value() == (read.code == CloseCode::None));
            if (read.message) CHECK(shown(*read.message, vector.draft) != vector.text);
        }
    }
}

TEST_CASE("ietf 1: a malformed control message ends the session with the number of its fault", "[ietf]") {
    for (const Vector &vector : invalid_vectors) {
        INFO(vector.hex << " " << vector.text);
        const auto read = decoded(vector, of_hex(vector.hex));
        CHECK_FALSE(read.message);
        CHECK(read.code == CloseCode::ProtocolViolation);
    }
}

TEST_CASE("ietf 1: what peers write against the text is read as the text says, or refused", "[ietf]") {
    for (const Vector &vector : nonconforming_vectors) {
        INFO(vector.hex << " " << vector.text);
        const auto read = decoded(vector, of_hex(vector.hex));
        CHECK(read.message.has_value() == (read.code == CloseCode::None));
    }
}

}  // namespace control_vectors_tests
