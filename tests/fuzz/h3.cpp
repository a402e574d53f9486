// A fuzzer for HTTP/3 and WebTransport: the first byte selects what the rest is, a peer's bytes, and how they are divided. What is
// read must not depend on how it came, and what can be read can be written and read again.
#include <comoq/detail/h3/capsule_reader.hpp>
#include <comoq/detail/h3/connect_head.hpp>
#include <comoq/detail/h3/control_reader.hpp>
#include <comoq/detail/h3/fields.hpp>
#include <comoq/detail/h3/message_reader.hpp>
#include <comoq/detail/h3/protocol_list.hpp>
#include <comoq/detail/h3/sorted_stream.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace comoq::h3;

namespace {

using Input = std::span<const std::byte>;

void check(bool right) {
    if (!right) std::abort();
}

template <class Reader> Code read_in_parts(Reader &reader, Input input, std::size_t size) {
    Code code = Code::None;
    while (code == Code::None && !input.empty()) {
        const auto part = input.first(std::min(size, input.size()));
        code = reader.read(part);
        input = input.subspan(part.size());
    }
    return code;
}

void control(Input input, std::size_t part, bool by_client) {
    ControlReader whole(by_client), parts(by_client);
    const Code code = whole.read(input);
    check(read_in_parts(parts, input, part) == code);
    check(whole.settings().has_value() == parts.settings().has_value() && whole.goes_away() == parts.goes_away());
}

void capsules(Input input, std::size_t part) {
    CapsuleReader whole, parts;
    const Code code = whole.read(input);
    check(read_in_parts(parts, input, part) == code);
    check(whole.end().has_value() == parts.end().has_value() && whole.max_data() == parts.max_data());
    if (code != Code::None || !whole.end()) return;
    check(whole.end()->reason == parts.end()->reason && whole.end()->reason.size() <= longest_reason);
    std::vector<std::byte> written;
    write_close(whole.end()->number, whole.end()->reason, written);
    CapsuleReader again;
    check(again.read(written) == Code::None && again.end()->number == whole.end()->number && again.end()->reason == whole.end()->reason);
}

struct Message final : MessageReader::Receiver {
    Code head(std::span<const std::byte> fields) override {
        check(fields.size() <= largest_head);
        heads.insert(heads.end(), fields.begin(), fields.end());
        return Code::None;
    }
    Code data(std::span<const std::byte> bytes) override {
        body.insert(body.end(), bytes.begin(), bytes.end());
        return Code::None;
    }
    std::vector<std::byte> heads, body;
};

void message(Input input, std::size_t part) {
    Message one, other;
    MessageReader whole(one), parts(other);
    const Code code = whole.read(input);
    check(read_in_parts(parts, input, part) == code);
    check(one.heads == other.heads && one.body == other.body && whole.is_between() == parts.is_between());
}

void fields(Input input) {
    FieldCoder coder;
    std::vector<Field> all;
    if (coder.read(input, all) != Code::None) return;
    check(all.size() <= most_fields);
    RequestHead request;
    if (read_head(all, request) == Code::None) check(!request.method.empty());
    ResponseHead response;
    if (read_head(all, response) == Code::None) check(response.status >= 100 && response.status <= 999);
    std::vector<std::byte> frame;
    coder.write(all, frame);
    const auto type = comoq::detail::read_varint(frame);
    const auto size = comoq::detail::read_varint(Input(frame).subspan(type->size));
    std::vector<Field> again;
    check(coder.read(Input(frame).subspan(type->size + size->size), again) == Code::None && again.size() == all.size());
    for (std::size_t i = 0; i < all.size(); ++i) check(again[i].name == all[i].name && again[i].value == all[i].value);
}

void protocols(Input input) {
    const std::string_view text(reinterpret_cast<const char *>(input.data()), input.size());
    const auto all = read_protocols(text);
    check(all.size() <= most_protocols);
    std::string list;
    for (const auto &each : all) {
        const auto written = write_protocol(each);
        check(written.has_value() && read_protocol(*written) == each);
        list += (list.empty() ? "" : ",") + *written;
    }
    check(read_protocols(list) == all);
}

void sorted(Input input, bool is_uni, bool by_client) {
    const auto first = input.first(std::min(input.size(), longest_stream_head));
    const auto sorted = sort_stream(first, is_uni, by_client);
    check(sorted.size <= first.size());
    check(first.size() < longest_stream_head || sorted.kind != SortedStream::Kind::Unknown);
}

void table(Input input, bool of_encoder) {
    FieldCoder coder;
    const Code code = of_encoder ? coder.read_encoder(input) : coder.read_decoder(input);
    check(code == Code::None || of_encoder == (code == Code::QpackEncoderStreamError));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size == 0) return 0;
    const auto input = std::as_bytes(std::span(data, size)).subspan(1);
    const std::size_t part = 1 + data[0] / 8 % 8;
    const bool flag = (data[0] & 0x40) != 0;
    switch (data[0] % 8) {
        case 0: control(input, part, flag); break;
        case 1: capsules(input, part); break;
        case 2: message(input, part); break;
        case 3: fields(input); break;
        case 4: protocols(input); break;
        case 5: sorted(input, flag, (data[0] & 0x80) != 0); break;
        case 6: table(input, flag); break;
        case 7: break;
    }
    return 0;
}
