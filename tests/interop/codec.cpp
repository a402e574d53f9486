// Writes random messages, streams and datagrams of MoQ Transport, a line each, for a reader that is not ours (codec/):
//   comoq_interop_codec SEED COUNT
// A line has the draft, the kind, the bytes in hexadecimal digits, and what must be found in them.
#include <comoq/detail/ietf/datagram.hpp>
#include <comoq/detail/ietf/fetch_objects.hpp>
#include <comoq/detail/ietf/uni_stream.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "detail/ietf/random_messages.hpp"
#include "support/hex.hpp"

namespace {

using namespace comoq::ietf;
using Octets = std::vector<std::byte>;

constexpr int number_of(Draft draft) noexcept { return 16 + 2 * static_cast<int>(draft); }

template <class Value> std::string or_dash(const std::optional<Value> &value) {
    return value ? fmt::format("{}", static_cast<std::uint64_t>(*value)) : "-";
}

void say(Draft draft, std::string_view kind, const Octets &octets, std::string_view said) {
    fmt::print("{} {} {} {}\n", number_of(draft), kind, comoq::test::hex_of(octets), said);
}

void control(RandomFields &fields) {
    RandomMessages messages(fields);
    const ControlMessage message = messages.next();
    Octets octets;
    encode(message, fields.draft(), StreamKind::Request, octets);
    std::string said;
    for (const auto number : fields.take_noted()) said += fmt::format("{}{}", said.empty() ? "" : ",", number);
    say(fields.draft(), "control", octets, said.empty() ? "-" : said);
}

Octets payload(RandomFields &fields) { return Octets(fields.one_in(3) ? 0 : fields.below(100), std::byte{0x5a}); }

std::size_t size_of(const Pairs &properties, Draft draft) {
    Octets octets;
    FieldWriter to(octets, dialect_of(draft));
    properties.write(to);
    return octets.size();
}

void datagram(RandomFields &fields) {
    ObjectDatagram object;
    object.alias = fields.plain();
    object.location = Location{fields.plain(), fields.one_in(3) ? 0 : fields.plain()};
    if (fields.one_in(2)) object.priority = static_cast<std::uint8_t>(fields.below(256));
    Octets content = payload(fields);
    if (fields.one_in(4)) {
        object.status = fields.one_in(2) ? ObjectStatus::EndOfGroup : ObjectStatus::EndOfTrack;
    } else {
        if (fields.one_in(2)) object.properties = fields.pairs(0x7000);
        object.end_of_group = fields.one_in(4);
        if (content.empty()) content.push_back(std::byte{1});
        object.payload = content;
    }
    Octets octets;
    encode(object, fields.draft(), octets);
    say(fields.draft(), "datagram", octets,
        fmt::format("{}/{}/{}/{}/{}/{}", object.alias, object.location.group, object.location.object, or_dash(object.priority),
                    or_dash(object.status), object.payload.size()));
}

void subgroup(RandomFields &fields) {
    SubgroupHeader header;
    header.alias = fields.plain();
    header.group = fields.plain();
    header.subgroup = fields.one_in(3) ? std::nullopt : std::optional(fields.one_in(2) ? 0 : 1 + fields.plain() / 2);
    if (fields.one_in(2)) header.priority = static_cast<std::uint8_t>(fields.below(256));
    header.has_properties = fields.one_in(2);
    header.end_of_group = fields.one_in(2);
    header.first_object = fields.draft() != Draft::Draft16 && fields.one_in(2);
    Octets octets;
    encode(header, fields.draft(), octets);
    // A subgroup that is named after its first object has no number yet.
    std::string said = fmt::format("{}/{}/{}/{}", header.alias, header.group, or_dash(header.subgroup), or_dash(header.priority));
    SubgroupObjects objects(header, fields.draft());
    std::uint64_t id = fields.below(1000);
    for (auto left = 1 + fields.below(5); left != 0; --left, id += 1 + (fields.one_in(2) ? 0 : fields.below(100'000))) {
        ObjectHeader object;
        object.id = id;
        const Octets content = payload(fields);
        object.payload_size = content.size();
        if (content.empty() && fields.one_in(2)) object.status = ObjectStatus::EndOfGroup;
        else if (header.has_properties && fields.one_in(2)) object.properties = fields.pairs(0x7000);
        objects.write(object, octets);
        octets.insert(octets.end(), content.begin(), content.end());
        const auto status = content.empty() ? std::optional(object.status) : std::nullopt;
        said += fmt::format(",{}/{}/{}/{}", id, or_dash(status), size_of(object.properties, fields.draft()), content.size());
        if (object.status != ObjectStatus::Normal) break;
    }
    say(fields.draft(), "subgroup", octets, said);
}

/// Objects alone: the reader of `codec` expects a payload of no bytes after the end of a range, and others do not.
void fetch(RandomFields &fields) {
    const bool ascends = fields.one_in(2);
    FetchHeader header;
    header.request_id = fields.plain();
    Octets octets;
    encode(header, fields.draft(), octets);
    std::string said = fmt::format("{}", header.request_id);
    FetchObjects objects(ascends ? GroupOrder::Ascending : GroupOrder::Descending, fields.draft());
    Location at{1'000'000 + fields.below(1'000'000), fields.below(1000)};
    for (auto left = 1 + fields.below(6); left != 0; --left) {
        FetchedObject object;
        object.location = at;
        object.subgroup = fields.one_in(5) ? std::nullopt : std::optional(fields.below(3));
        object.priority = static_cast<std::uint8_t>(fields.below(3));
        if (fields.one_in(3)) object.properties = fields.pairs(0x7000);
        const Octets content = payload(fields);
        object.payload_size = content.size();
        objects.write(object, octets);
        octets.insert(octets.end(), content.begin(), content.end());
        said += fmt::format(",{}/{}/{}/{}/{}/{}", at.group, or_dash(object.subgroup), at.object, object.priority,
                            size_of(object.properties, fields.draft()), content.size());
        if (fields.one_in(3)) {
            const auto step = 1 + fields.below(1000);
            at = Location{ascends ? at.group + step : at.group - step, fields.below(1000)};
        } else {
            at.object += 1 + (fields.one_in(2) ? 0 : fields.below(1000));
        }
    }
    say(fields.draft(), ascends ? "ascending" : "descending", octets, said);
}

}  // namespace

int main(int argc, char **argv) {
    if (argc != 3) {
        fmt::print(stderr, "usage: {} SEED COUNT\n", argv[0]);
        return 2;
    }
    const std::uint64_t seed = std::strtoull(argv[1], nullptr, 0), count = std::strtoull(argv[2], nullptr, 0);
    for (const Draft draft : {Draft::Draft16, Draft::Draft18, Draft::Draft20, Draft::Draft22}) {
        RandomFields fields(seed, draft);
        for (std::uint64_t i = 0; i != count; ++i) {
            control(fields);
            datagram(fields);
            subgroup(fields);
            fetch(fields);
        }
    }
}
