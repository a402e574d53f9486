// A fuzzer for qmux: the first byte selects a parser, the rest is a peer's input. Input that can be read must be written and
// read again as the same.
#include <comoq/detail/qmux/codec.hpp>
#include <comoq/qmux/negotiation.hpp>
#include <comoq/detail/qmux/record.hpp>
#include <comoq/detail/qmux/transport_parameters.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>
#include <system_error>
#include <variant>
#include <vector>

using namespace comoq;

namespace {

void check(bool right) {
    if (!right) {
        std::abort();
    }
}

void parameters(std::span<const std::byte> input) {
    const auto read = qmux::decode(qmux::EncodedParameters{input});
    if (!read) {
        return;
    }
    std::vector<std::byte> written;
    qmux::encode(*read, written);
    std::error_code failure;
    const auto frame = qmux::next_frame(written, failure);
    check(frame && frame->size == written.size());
    check(qmux::decode(std::get<qmux::EncodedParameters>(frame->frame)) == read);
}

void frames(std::span<const std::byte> record) {
    std::error_code failure;
    while (const auto read = qmux::next_frame(record, failure)) {
        check(!failure && read->size != 0 && read->size <= record.size());
        std::vector<std::byte> written;
        qmux::encode(read->frame, written);
        const auto again = qmux::next_frame(written, failure);
        check(again && again->size == written.size() && again->frame == read->frame);
        if (const auto *encoded = std::get_if<qmux::EncodedParameters>(&read->frame)) {
            parameters(encoded->body);
        }
        record = record.subspan(read->size);
    }
    check(!failure || failure == Error::Decode || failure == Error::ProtocolViolation);
}

void records(std::span<const std::byte> input) {
    std::error_code failure;
    while (const auto record = qmux::next_record(input, qmux::default_max_record_size, failure)) {
        std::vector<std::byte> size;
        qmux::encode_record_size(record->frames.size(), size);
        check(!record->frames.empty() && record->size >= size.size() + record->frames.size());
        check(record->size <= input.size());
        frames(record->frames);
        input = input.subspan(record->size);
    }
}

void offer(std::span<const std::byte> input) {
    constexpr std::array<std::string_view, 2> ours = {"moq-lite-06", "moq-lite-05"};
    const std::string_view header(reinterpret_cast<const char *>(input.data()), input.size());
    if (const auto chosen = qmux::choose_subprotocol(header, ours)) {
        check(header.find(chosen->name()) != std::string_view::npos);
        check(qmux::accepted_subprotocol(chosen->name(), ours) == chosen);
    }
}

constexpr void (*readers[])(std::span<const std::byte>) = {frames, parameters, records, offer};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size != 0) {
        readers[data[0] % std::size(readers)](std::as_bytes(std::span(data, size)).subspan(1));
    }
    return 0;
}
