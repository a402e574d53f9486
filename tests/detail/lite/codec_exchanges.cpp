// Whole streams of real peers: each message is read, and written to the same bytes.
#include <comoq/detail/lite/codec.hpp>
#include <comoq/detail/lite/frame_header.hpp>
#include <comoq/detail/lite/stream_type.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "detail/lite/shown_messages.hpp"
#include "lite/exchange_vectors.hpp"
#include "support/catch.hpp"
#include "support/hex.hpp"

namespace codec_exchanges_tests {

using namespace comoq::lite;
using namespace comoq::test;
using shown_messages::Kind;
using shown_messages::Octets;

namespace {

using Rest = std::span<const std::byte>;

/// The messages of one side. Throws where one is missing octets.
class Messages {
public:
    Messages(Rest octets, Version version) : rest_(octets), version_(version) {}

    bool are_over() const { return rest_.empty(); }
    std::optional<std::uint64_t> stream_type() {
        const auto read = comoq::detail::read_varint(rest_);
        if (!read) return std::nullopt;
        rest_ = rest_.subspan(read->size);
        return read->value;
    }
    void take(Kind kind, std::string_view name) {
        const auto octets = next(kind, 0);
        take(kind, name, octets);
    }
    /// A message whose type stands before it.
    void take_typed(Kind kind, std::initializer_list<std::string_view> names) {
        const auto type = comoq::detail::read_varint(rest_).value();
        take(kind, std::data(names)[type.value], next(kind, type.size));
    }
    const std::string &text() const { return text_; }

private:
    Rest next(Kind kind, std::size_t before) {
        std::size_t size = 0;
        std::error_code failure;
        if (kind == Kind::Frame) {
            const auto header = read_frame_header(rest_).value();
            size = header.size + static_cast<std::size_t>(header.header.size);
        } else {
            size = before + next_message(rest_.subspan(before), failure).value().size;
        }
        const auto octets = rest_.first(size);
        rest_ = rest_.subspan(size);
        return octets;
    }
    void take(Kind kind, std::string_view name, Rest octets) {
        const auto read = shown_messages::read(kind, version_, Octets(octets.begin(), octets.end()));
        const auto is_first = text_.empty();
        text_ += (is_first ? "" : " ") + std::string(read ? name : "?");
        if (!read) return;
        // The order of the parameters of SETUP is free, and status 2 of ANNOUNCE is never written.
        const bool is_restart = kind == Kind::Announce && octets[1] == std::byte{2};
        if (kind != Kind::Setup && !is_restart) {
            CHECK(read->again == hex_of(octets));
            return;
        }
        const auto again = shown_messages::read(kind, version_, of_hex(read->again));
        CHECK(again.value().text == read->text);
    }

    Rest rest_;
    Version version_;
    std::string text_;
};

std::string opener_says(const Exchange &exchange, Version version) {
    const auto octets = of_hex(exchange.opener);
    Messages messages(octets, version);
    const auto type = messages.stream_type();
    if (exchange.is_uni) {
        if (type == static_cast<std::uint64_t>(UniStreamType::Setup)) {
            messages.take(Kind::Setup, "SETUP");
        } else if (type == static_cast<std::uint64_t>(UniStreamType::Group)) {
            messages.take(Kind::Group, "GROUP");
            while (!messages.are_over()) messages.take(Kind::Frame, "FRAME");
        } else {
            return "?";
        }
        CHECK(messages.are_over());
        return messages.text();
    }
    switch (static_cast<BidiStreamType>(type.value())) {
    case BidiStreamType::Announce: messages.take(Kind::AnnounceRequest, "ANNOUNCE_REQUEST"); break;
    case BidiStreamType::Subscribe:
        messages.take(Kind::Subscribe, "SUBSCRIBE");
        while (!messages.are_over()) messages.take(Kind::Update, "UPDATE");
        break;
    case BidiStreamType::Fetch: messages.take(Kind::Fetch, "FETCH"); break;
    case BidiStreamType::Probe: break;
    case BidiStreamType::Track: messages.take(Kind::Track, "TRACK"); break;
    default: return "?";
    }
    CHECK(messages.are_over());
    return messages.text();
}

std::string answer_says(const Exchange &exchange, Version version) {
    if (exchange.answer.empty()) return "";
    const auto octets = of_hex(exchange.answer), opener = of_hex(exchange.opener);
    Messages messages(octets, version);
    switch (static_cast<BidiStreamType>(Messages(opener, version).stream_type().value())) {
    case BidiStreamType::Announce:
        messages.take(Kind::AnnounceOk, "ANNOUNCE_OK");
        while (!messages.are_over()) {
            if (layout_of(version).announce_ids)
                messages.take_typed(Kind::Start, {"START", "END", "RESTART"});
            else
                messages.take(Kind::Announce, "ANNOUNCE");
        }
        break;
    case BidiStreamType::Subscribe:
        while (!messages.are_over()) messages.take_typed(Kind::Ok, {"OK", "END", "DROP"});
        break;
    case BidiStreamType::Fetch:
        while (!messages.are_over()) messages.take(Kind::Frame, "FRAME");
        break;
    case BidiStreamType::Probe:
        while (!messages.are_over()) messages.take(Kind::Probe, "PROBE");
        break;
    case BidiStreamType::Track: messages.take(Kind::TrackInfo, "TRACK_INFO"); break;
    default: break;
    }
    CHECK(messages.are_over());
    return messages.text();
}

}  // namespace

TEST_CASE("exchanges: each message of a real peer's stream is read, and written to the same bytes", "[lite]") {
    std::set<std::string_view> names;
    for (const auto &exchange : exchanges) {
        CAPTURE(exchange.name);
        CHECK(names.insert(exchange.name).second);
        const auto version = version_of(exchange.protocol);
        CHECK(opener_says(exchange, version) == exchange.opener_says);
        CHECK(answer_says(exchange, version) == exchange.answer_says);
    }
    for (const auto &deviation : deviations) {
        CAPTURE(deviation.exchange);
        CHECK(names.count(deviation.exchange) == 1);
    }
}

}
