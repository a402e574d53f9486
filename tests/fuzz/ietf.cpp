// A fuzzer for the codec of MoQ Transport: the first byte selects a draft and what the rest is, a peer's bytes. What can be read
// must be written and read again as the same, unless it is something that this side would not write.
#include <comoq/detail/ietf/control_codec.hpp>
#include <comoq/detail/ietf/datagram.hpp>
#include <comoq/detail/ietf/shared_requests.hpp>
#include <comoq/detail/ietf/uni_stream.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <system_error>
#include <variant>
#include <vector>

using namespace comoq::ietf;

namespace {

using Octets = std::vector<std::byte>;
using Input = std::span<const std::byte>;

void check(bool right) {
    if (!right) std::abort();
}

void control(Input input, Draft draft, StreamKind stream) {
    const auto framed = next_message(input, draft);
    if (!framed) return;
    check(framed->size <= input.size());
    const auto read = decode(*framed, draft, stream);
    check(read.message.has_value() == (read.code == CloseCode::None));
    if (!read.message) return;
    Octets written;
    try {
        encode(*read.message, draft, stream, written);
    } catch (const std::system_error &) {
        // Properties that came as 64 KiB of the shortest integers can be longer in this side's form.
        check(framed->body.size() > longest_body / 2);
        return;
    }
    const auto again = next_message(written, draft);
    check(again && again->size == written.size());
    const auto same = decode(*again, draft, stream);
    check(same.message && *same.message == *read.message);
}

void datagram(Input input, Draft draft) {
    const auto read = decode_datagram(input, draft);
    const auto *object = std::get_if<ObjectDatagram>(&read);
    if (object == nullptr) return;
    Octets written;
    encode(*object, draft, written);
    const auto decoded = decode_datagram(written, draft);
    const auto *again = std::get_if<ObjectDatagram>(&decoded);
    check(again && again->alias == object->alias && again->location == object->location);
    check(again->priority == object->priority && again->properties == object->properties);
    check(again->status == object->status && again->payload.size() == object->payload.size());
}

/// Reads headers, each of which has its payload after it, and writes and reads them again.
template <class Objects> void objects(Input rest, Objects reads) {
    Objects writes = reads, again = reads;
    for (;;) {
        const auto step = reads.read(rest);
        check(!step.value || step.code == CloseCode::None);
        if (!step.value) return;
        check(step.size <= rest.size() && step.size > 0);
        Octets written;
        try {
            writes.write(*step.value, written);
        } catch (const std::system_error &) {
            return;
        }
        const auto same = again.read(written);
        check(same.value && same.size == written.size() && *same.value == *step.value);
        rest = rest.subspan(step.size);
        if (step.value->payload_size > rest.size()) return;
        rest = rest.subspan(static_cast<std::size_t>(step.value->payload_size));
    }
}

void stream(Input input, Draft draft, GroupOrder order) {
    const auto step = read_uni_stream(input, draft);
    if (!step.value) return;
    check(step.size <= input.size());
    const auto rest = input.subspan(step.size);
    Octets written;
    if (const auto *subgroup = std::get_if<SubgroupHeader>(&*step.value)) {
        encode(*subgroup, draft, written);
        const auto again = read_uni_stream(written, draft);
        check(again.value && std::get<SubgroupHeader>(*again.value) == *subgroup);
        objects(rest, SubgroupObjects(*subgroup, draft));
    } else if (const auto *fetch = std::get_if<FetchHeader>(&*step.value)) {
        encode(*fetch, draft, written);
        const auto again = read_uni_stream(written, draft);
        check(again.value && std::get<FetchHeader>(*again.value) == *fetch);
        objects(rest, FetchObjects(order, draft));
    }
}

/// A peer's messages on a stream that requests share, and a session that answers, ends or leaves each request by a byte of the peer's.
void shared(Input input, bool is_client) {
    using namespace comoq::ietf::detail;
    constexpr Draft draft = Draft::Draft16;
    constexpr std::uint64_t most = 8;
    SharedRequests requests(is_client, draft, most);
    SharedActions to_do, done;
    const auto say = [&](const ControlMessage &message, auto act) {
        Octets octets;
        encode(message, draft, StreamKind::Control, octets);
        act(*next_message(octets, draft));
    };
    Subscribe own;
    own.request_id = is_client ? 0 : 1;
    own.track = {{"a"}, "v"};
    bool has_asked = false;
    while (const auto message = next_message(input, draft)) {
        to_do.clear();
        if (requests.take(*message, to_do)) return;
        if (!has_asked && requests.may_open()) {
            has_asked = true;
            requests.open();
            say(own, [&](const FramedMessage &framed) { check(requests.ask(framed, done) == own.request_id); });
        }
        const auto choice = message->body.empty() ? 0 : std::to_integer<unsigned>(message->body.back());
        for (const SharedAction &action : to_do) {
            if (action.kind == SharedAction::Kind::Send || action.kind == SharedAction::Kind::Allow) continue;
            check(action.kind == SharedAction::Kind::Session || action.request % 2 != own.request_id || has_asked);
            if (choice % 2 == 0)
                say(RequestOk(), [&](const FramedMessage &framed) { requests.write(action.request, framed, done); });
            if (choice / 2 % 2 == 0) requests.finish(action.request, done);
            if (choice / 4 % 2 == 0) requests.reset(action.request, choice, done);
            if (choice / 8 % 2 == 0) requests.stop(action.request, choice, done);
        }
        // Those of the peer's, and this side's.
        check(requests.size() <= most + 1);
        requests.grant(done);
        done.clear();
        input = input.subspan(message->size);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size == 0) return 0;
    const auto draft = static_cast<Draft>(data[0] % 4);
    const auto input = std::as_bytes(std::span(data, size)).subspan(1);
    switch (data[0] / 4 % 6) {
        case 0: control(input, draft, StreamKind::Control); break;
        case 1: control(input, draft, StreamKind::Request); break;
        case 2: datagram(input, draft); break;
        case 3: stream(input, draft, GroupOrder::Ascending); break;
        case 4: stream(input, draft, GroupOrder::Descending); break;
        case 5: shared(input, data[0] % 2 == 0); break;
    }
    return 0;
}
