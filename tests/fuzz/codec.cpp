// A fuzzer for the codec: the first byte selects a message and a version, the rest is a peer's input. A message that can be read must be
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

template <class Message, lite::Version version> void round(std::span<const std::byte> input) {
    std::error_code failure;
    const auto framed = lite::next_message(input, failure);
    if (!framed) {
        return;
    }
    check(!failure && framed->size <= input.size());
    const auto message = lite::decode<Message>(framed->body, version);
    if (!message) {
        return;
    }
    std::vector<std::byte> written;
    lite::encode(*message, version, written);
    const auto again = lite::next_message(written, failure);
    check(again && again->size == written.size());
    const auto same = lite::decode<Message>(again->body, version);
    check(same.has_value());
    std::vector<std::byte> twice;
    lite::encode(*same, version, twice);
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

template <class Message> void in_05(std::span<const std::byte> input) { round<Message, lite::Version::Draft05>(input); }
template <class Message> void in_06(std::span<const std::byte> input) { round<Message, lite::Version::Draft06>(input); }

// The first ones keep their places: the corpus selects them.
constexpr void (*readers[])(std::span<const std::byte>) = {
    in_05<lite::Setup>, in_05<lite::AnnounceRequest>, in_05<lite::AnnounceOk>, in_05<lite::Announce>, in_05<lite::Track>, in_05<lite::TrackInfoMessage>, in_05<lite::Subscribe>, in_05<lite::SubscribeUpdate>, in_05<lite::SubscribeOk>, in_05<lite::SubscribeEnd>, in_05<lite::SubscribeDrop>, in_05<lite::Fetch>, in_05<lite::Group>, in_05<lite::Probe>, in_05<lite::Goaway>, frame, datagram,
    in_06<lite::Setup>, in_06<lite::AnnounceRequest>, in_06<lite::AnnounceOk>, in_06<lite::AnnounceStart>, in_06<lite::AnnounceEnd>, in_06<lite::AnnounceRestart>, in_06<lite::Track>, in_06<lite::TrackInfoMessage>, in_06<lite::Subscribe>, in_06<lite::SubscribeUpdate>, in_06<lite::SubscribeOk>, in_06<lite::SubscribeEnd>, in_06<lite::SubscribeDrop>, in_06<lite::Fetch>, in_06<lite::Group>, in_06<lite::Probe>, in_06<lite::Goaway>};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size != 0) {
        readers[data[0] % std::size(readers)](std::as_bytes(std::span(data, size)).subspan(1));
    }
    return 0;
}
