// Streams and datagrams with objects of MoQ Transport from three sources: an encoder written from the text of the drafts,
// aiomoqt 0.13.3, and @moq/net 0.3.4. Other decoders made the same of them.
#include <comoq/detail/ietf/datagram.hpp>
#include <comoq/detail/ietf/uni_stream.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "detail/ietf/shown_message.hpp"
#include "support/catch.hpp"
#include "support/hex.hpp"

namespace data_vectors_tests {

using namespace comoq::ietf;
using comoq::test::hex_of;
using comoq::test::of_hex;
using Octets = std::vector<std::byte>;

namespace {

constexpr Draft draft_16 = Draft::Draft16, draft_18 = Draft::Draft18, draft_20 = Draft::Draft20;

struct Vector {
    Draft draft;
    std::string_view hex;
    std::string_view text;
};

/// Alias, group, subgroup and priority; the objects with their numbers, statuses, properties and payloads.
constexpr Vector subgroup_vectors[] = {
    {draft_18, "5801008000014900015000808242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242424242", "1 0 0 128 end first; 0 0 <> 49; 1 0 <> 50; 2 0 <> 130 bytes"},
    {draft_18, "300105000161", "1 5 0 -; 0 0 <> 61"},
    {draft_18, "52812cd0000000070178020179", "300 1048576 7 0 first; 7 0 <> 78; 10 0 <> 79"},
    {draft_18, "50010101000000", "1 1 0 1 first; 0 0 <> "},
    {draft_18, "700103", "1 3 0 - first"},
    {draft_20, "300105000161", "1 5 0 -; 0 0 <> 61"},
    {draft_20, "5502090307000410c15f90016b0000016c000810c16b482c000204016d", "2 9 3 7 first; 0 0 <16=90000> 6b; 1 0 <> 6c; 2 0 <16=93000 60=0 62=4> 6d"},
    {draft_20, "11020907001b0b05020101017a2e066f7061717565c07fc9ff1000000000000000016b", "2 9 0 7; 0 0 <11=020101017a 57=6f7061717565 32770=1152921504606846976> 6b"},
    {draft_20, "700103", "1 3 0 - first"},
    {draft_16, "1901050000051080015f900568656c6c6f00051080016b4840c878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878780000076e6f2074696d65", "1 5 0 0 end; 0 0 <16=90000> 68656c6c6f; 1 0 <16=93000> 200 bytes; 2 0 <> 6e6f2074696d65"},
    {draft_16, "34412cc00001000000000003000161000000", "300 1099511627776 3 -; 0 0 <> 61; 1 0 <> "},
    {draft_16, "100000ff000161000003", "0 0 0 255; 0 0 <> 61; 1 3 <> "},
    {draft_18, "59010500000410c15f900568656c6c6f000410c16b4880c878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878780000076e6f2074696d65", "1 5 0 0 end first; 0 0 <16=90000> 68656c6c6f; 1 0 <16=93000> 200 bytes; 2 0 <> 6e6f2074696d65"},
    {draft_18, "100000ff000161000003", "0 0 0 255; 0 0 <> 61; 1 3 <> "},
    {draft_20, "34812cf9000000000003000161000000", "300 1099511627776 3 -; 0 0 <> 61; 1 0 <> "},
};

/// The request; the objects with their locations, subgroups, priorities, properties and payloads.
constexpr Vector fetch_vectors[] = {
    {draft_18, "05181f010400090161020162050301630700010164", "24; 1/0 4 9 <> 61; 1/1 5 9 <> 62; 1/4 5 9 <> 63; 1/5 0 9 <> 64"},
    {draft_18, "0518", "24"},
    {draft_20, "05181c05008001610001620d000001630d01030164", "24; 5/0 0 128 <> 61; 5/1 0 128 <> 62; 6/0 0 128 <> 63; 8/3 0 128 <> 64"},
    {draft_20, "05183c01000902100701615003016220000163", "24; 1/0 0 9 <16=7> 61; 1/1 - 3 <> 62; 1/2 0 3 <> 63"},
};

/// Alias, location, priority, properties, and a payload or a status.
constexpr Vector datagram_vectors[] = {
    {draft_18, "00010204207061796c6f6164", "1 2/4 32 <> 7061796c6f6164"},
    {draft_18, "0e01027061796c6f6164", "1 2/0 - <> end 7061796c6f6164"},
    {draft_18, "090180c80102100570", "1 200/1 - <16=5> 70"},
    {draft_18, "2c010204", "1 2/0 - <> status 4"},
    {draft_20, "00010204207061796c6f6164", "1 2/4 32 <> 7061796c6f6164"},
    {draft_20, "0e01027061796c6f6164", "1 2/0 - <> end 7061796c6f6164"},
    {draft_20, "090180c80102100570", "1 200/1 - <16=5> 70"},
    {draft_20, "200102098003", "1 2/9 128 <> status 3"},
};

enum class Kind { Subgroup, Fetch, Descending, Datagram };
struct Invalid {
    Draft draft;
    Kind kind;
    std::string_view hex;
    std::string_view fault;
};
/// Each ends the session with PROTOCOL_VIOLATION.
constexpr Invalid invalid_vectors[] = {
    {draft_18, Kind::Subgroup, "50010201000001", "status"},
    {draft_18, Kind::Subgroup, "51010201000210010003", "properties on a status"},
    {draft_18, Kind::Subgroup, "16010301", "mode 3"},
    {draft_18, Kind::Subgroup, "50010301ffffffffffffffffff0161000162", "object id"},
    {draft_18, Kind::Datagram, "100102", "type"},
    {draft_18, Kind::Datagram, "090180c8010070", "empty properties"},
    {draft_18, Kind::Descending, "05181c01000101610c04000162", "group id"},
    {draft_20, Kind::Subgroup, "50010301ffffffffffffffffff0161000162", "object id"},
    {draft_20, Kind::Datagram, "220102098003", "type"},
    {draft_20, Kind::Datagram, "100102", "type"},
    {draft_20, Kind::Datagram, "090180c8010070", "empty properties"},
    {draft_20, Kind::Fetch, "0518808000", "flags"},
    {draft_20, Kind::Fetch, "05181400010161", "no prior object"},
    {draft_20, Kind::Descending, "05181c01000101610c04000162", "group id"},
};

std::string shown(std::span<const std::byte> payload) {
    return payload.size() <= 8 ? hex_of(payload) : std::to_string(payload.size()) + " bytes";
}
std::string shown(const std::optional<std::uint8_t> &priority) { return priority ? std::to_string(*priority) : "-"; }

/// Reads a stream of one direction as its bytes come, and writes all of it again.
class StreamReader {
public:
    StreamReader(Draft draft, GroupOrder order) : draft_(draft), order_(order) {}

    void add(std::span<const std::byte> octets) {
        unread_.insert(unread_.end(), octets.begin(), octets.end());
        while (code_ == CloseCode::None && step()) {
        }
    }
    /// At the end of the stream: whether it ends between two objects.
    bool ends_well() const { return code_ == CloseCode::None && begun_ && !payload_ && unread_.empty(); }
    CloseCode code() const { return code_; }
    const std::string &text() const { return text_; }
    const Octets &written() const { return written_; }

private:
    bool step() {
        if (payload_) return take_payload();
        if (!begun_) return begin();
        if (subgroup_) return take(subgroup_->read(unread_));
        return take(fetch_->read(unread_));
    }
    template <class Value> bool is_there(const Step<Value> &step) {
        code_ = step.code;
        CHECK(step.needs_more() == (!step.value && step.code == CloseCode::None));
        return step.value.has_value();
    }
    void drop(std::size_t size) { unread_.erase(unread_.begin(), unread_.begin() + static_cast<std::ptrdiff_t>(size)); }
    bool begin() {
        const auto step = read_uni_stream(unread_, draft_);
        if (!is_there(step)) return false;
        drop(step.size);
        begun_ = true;
        if (const auto *fetch = std::get_if<FetchHeader>(&*step.value)) {
            text_ = std::to_string(fetch->request_id);
            fetch_.emplace(order_, draft_);
            writes_fetch_.emplace(order_, draft_);
            encode(*fetch, draft_, written_);
            return true;
        }
        header_ = std::get<SubgroupHeader>(*step.value);
        subgroup_.emplace(header_, draft_);
        writes_.emplace(header_, draft_);
        encode(header_, draft_, written_);
        if (header_.subgroup) show_header(*header_.subgroup);
        return true;
    }
    void show_header(std::uint64_t subgroup) {
        text_ = std::to_string(header_.alias) + " " + std::to_string(header_.group) + " " + std::to_string(subgroup) + " " +
                shown(header_.priority) + (header_.end_of_group ? " end" : "") + (header_.first_object ? " first" : "");
    }
    bool take(const Step<ObjectHeader> &step) {
        if (!is_there(step)) return false;
        const ObjectHeader &object = *step.value;
        if (text_.empty()) show_header(object.id);
        text_ += "; " + std::to_string(object.id) + " " + std::to_string(static_cast<int>(object.status)) +
                 shown_message::shown(object.properties);
        writes_->write(object, written_);
        drop(step.size);
        payload_ = object.payload_size;
        return true;
    }
    bool take(const Step<FetchedObject> &step) {
        if (!is_there(step)) return false;
        const FetchedObject &object = *step.value;
        text_ += "; " + shown_message::shown(object.location) + " " +
                 (object.subgroup ? std::to_string(*object.subgroup) : "-") + " " + std::to_string(object.priority) +
                 shown_message::shown(object.properties);
        writes_fetch_->write(object, written_);
        drop(step.size);
        payload_ = object.payload_size;
        return true;
    }
    bool take_payload() {
        if (unread_.size() < *payload_) return false;
        const auto payload = std::span(unread_).first(static_cast<std::size_t>(*payload_));
        text_ += " " + shown(payload);
        written_.insert(written_.end(), payload.begin(), payload.end());
        drop(payload.size());
        payload_.reset();
        return true;
    }

    Draft draft_;
    GroupOrder order_;
    Octets unread_;
    bool begun_ = false;
    SubgroupHeader header_;
    std::optional<SubgroupObjects> subgroup_, writes_;
    std::optional<FetchObjects> fetch_, writes_fetch_;
    std::optional<std::uint64_t> payload_;
    std::string text_;
    Octets written_;
    CloseCode code_ = CloseCode::None;
};

StreamReader whole(Draft draft, std::span<const std::byte> octets, GroupOrder order = GroupOrder::Ascending) {
    StreamReader reader(draft, order);
    reader.add(octets);
    return reader;
}
/// In two parts, cut at every place, and byte by byte.
void check_cuts(const Vector &vector) {
    const auto octets = of_hex(vector.hex);
    for (std::size_t size = 0; size <= octets.size(); ++size) {
        INFO(vector.hex << " cut to " << size);
        StreamReader reader = whole(vector.draft, std::span(octets).first(size));
        CHECK(reader.code() == CloseCode::None);
        reader.add(std::span(octets).subspan(size));
        CHECK(reader.text() == vector.text);
        CHECK(reader.ends_well());
    }
    StreamReader slowly(vector.draft, GroupOrder::Ascending);
    for (const std::byte octet : octets) slowly.add(std::span(&octet, 1));
    CHECK(slowly.text() == vector.text);
}

}  // namespace

TEST_CASE("ietf 2: the stream of a subgroup has the objects that its writer gave it", "[ietf]") {
    for (const Vector &vector : subgroup_vectors) {
        INFO(vector.hex);
        const auto reader = whole(vector.draft, of_hex(vector.hex));
        CHECK(reader.text() == vector.text);
        CHECK(reader.ends_well());
        CHECK(hex_of(reader.written()) == vector.hex);
    }
}

TEST_CASE("ietf 2: the stream of a fetch has the objects that its writer gave it", "[ietf]") {
    for (const Vector &vector : fetch_vectors) {
        INFO(vector.hex);
        const auto reader = whole(vector.draft, of_hex(vector.hex));
        CHECK(reader.text() == vector.text);
        CHECK(reader.ends_well());
        // There is more than one way to write the same.
        const auto again = whole(vector.draft, reader.written());
        CHECK(again.text() == vector.text);
        CHECK(reader.written().size() <= vector.hex.size() / 2);
    }
}

TEST_CASE("ietf 2: a stream that is cut anywhere goes on with the bytes that follow", "[ietf]") {
    for (const Vector &vector : subgroup_vectors) check_cuts(vector);
    for (const Vector &vector : fetch_vectors) check_cuts(vector);
}

TEST_CASE("ietf 2: a datagram has the object that its writer gave it, and is none without it", "[ietf]") {
    for (const Vector &vector : datagram_vectors) {
        INFO(vector.hex);
        const auto octets = of_hex(vector.hex);
        const auto decoded = decode_datagram(octets, vector.draft);
        REQUIRE(std::holds_alternative<ObjectDatagram>(decoded));
        const auto &datagram = std::get<ObjectDatagram>(decoded);
        const std::string end = datagram.status ? "status " + std::to_string(static_cast<int>(*datagram.status))
                                                : shown(datagram.payload);
        CHECK(std::to_string(datagram.alias) + " " + shown_message::shown(datagram.location) + " " +
                  shown(datagram.priority) + shown_message::shown(datagram.properties) +
                  (datagram.end_of_group ? " end " : " ") + end ==
              vector.text);
        Octets written;
        encode(datagram, vector.draft, written);
        CHECK(hex_of(written) == vector.hex);
        const std::size_t header = octets.size() - datagram.payload.size();
        for (std::size_t size = 0; size < header; ++size) {
            const auto cut = decode_datagram(std::span(octets).first(size), vector.draft);
            REQUIRE(std::holds_alternative<CloseCode>(cut));
            CHECK(std::get<CloseCode>(cut) == CloseCode::ProtocolViolation);
        }
    }
}

TEST_CASE("ietf 2: malformed streams and datagrams end the session with the number of their fault", "[ietf]") {
    for (const Invalid &vector : invalid_vectors) {
        INFO(vector.hex << " " << vector.fault);
        const auto octets = of_hex(vector.hex);
        if (vector.kind == Kind::Datagram) {
            const auto decoded = decode_datagram(octets, vector.draft);
            REQUIRE(std::holds_alternative<CloseCode>(decoded));
            CHECK(std::get<CloseCode>(decoded) == CloseCode::ProtocolViolation);
            continue;
        }
        const bool descends = vector.kind == Kind::Descending;
        const auto reader = whole(vector.draft, octets, descends ? GroupOrder::Descending : GroupOrder::Ascending);
        CHECK(reader.code() == CloseCode::ProtocolViolation);
    }
}

}  // namespace data_vectors_tests
