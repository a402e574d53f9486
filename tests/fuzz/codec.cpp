// A fuzzer for the codec: the first byte selects a message, the rest is a peer's input. A message that can be read must be
// written and read again as the same.
#include <comoq/detail/lite/codec.hpp>
#include <comoq/detail/lite/datagram.hpp>
#include <comoq/detail/lite/frame_header.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <system_error>
#include <vector>

using namespace comoq;

namespace {

void check(bool right) {
    if (!right) {
        std::abort();
    }
}

template <class Message> void round(std::span<const std::byte> input) {
    std::error_code failure;
    const auto framed = lite::next_message(input, failure);
    if (!framed) {
        return;
    }
    check(!failure && framed->size <= input.size());
    const auto message = lite::decode<Message>(framed->body);
    if (!message) {
        return;
    }
    std::vector<std::byte> written;
    lite::encode(*message, written);
    const auto again = lite::next_message(written, failure);
    check(again && again->size == written.size());
    const auto same = lite::decode<Message>(again->body);
    check(same.has_value());
    std::vector<std::byte> twice;
    lite::encode(*same, twice);
    check(twice == written);
}

void frame(std::span<const std::byte> input) {
    if (const auto read = lite::read_frame_header(input)) {
        std::vector<std::byte> written;
        lite::encode(read->header, written);
        const auto again = lite::read_frame_header(written);
        check(read->size <= input.size() && again && again->header == read->header);
    }
}

void datagram(std::span<const std::byte> input) {
    if (const auto read = lite::read_datagram(input)) {
        std::vector<std::byte> written;
        lite::encode(*read, written);
        const auto again = lite::read_datagram(written);
        check(again && again->sequence == read->sequence && again->payload.size() == read->payload.size());
    }
}

constexpr void (*readers[])(std::span<const std::byte>) = {
    round<lite::Setup>,         round<lite::AnnounceRequest>, round<lite::AnnounceOk>,      round<lite::Announce>,
    round<lite::Track>,         round<lite::TrackInfoMessage>, round<lite::Subscribe>,      round<lite::SubscribeUpdate>,
    round<lite::SubscribeOk>,   round<lite::SubscribeEnd>,    round<lite::SubscribeDrop>,   round<lite::Fetch>,
    round<lite::Group>,         round<lite::Probe>,           round<lite::Goaway>,          frame,
    datagram};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size != 0) {
        readers[data[0] % std::size(readers)](std::as_bytes(std::span(data, size)).subspan(1));
    }
    return 0;
}
