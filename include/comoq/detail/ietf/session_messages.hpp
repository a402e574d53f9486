// SPDX-License-Identifier: MIT
#pragma once
#include "message_type.hpp"
#include "names.hpp"
#include "pairs.hpp"
#include "parameter_values.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace comoq::ietf {

// The messages that are about the session. Each has `read` and `write` for what comes after its type and length; `write`
// throws Encode for what a draft cannot say, and the result of `read` counts only if the reader is well afterwards.
// `type` is what stands before the message.

enum class SetupOption : std::uint64_t {
    Path = 0x01,
    MaxRequestId = 0x02,  // draft 16
    AuthorizationToken = 0x03,
    MaxTokenCacheSize = 0x04,
    Authority = 0x05,
    Implementation = 0x07,
    // Of the extension for hops, not in draft 16.
    HopId = 0x40b54,
    RelayCost = 0x40b56,
};

/// The first message of either side.
struct Setup {
    Pairs options;
    /// In draft 16 a server's message has a type of its own.
    bool of_server = false;

    friend bool operator==(const Setup &, const Setup &) = default;
    MessageType type(const Dialect &dialect) const noexcept {
        if (!dialect.shared_stream) return MessageType::Setup;
        return of_server ? MessageType::ServerSetup : MessageType::ClientSetup;
    }
    void write(FieldWriter &to, StreamKind) const {
        FieldWriter::need(wrong_with(options, to.dialect()) == CloseCode::None);
        if (to.dialect().shared_stream) {
            std::uint64_t count = 0;
            for ([[maybe_unused]] const Pair &pair : options) ++count;
            to.number(count);
        }
        options.write(to);
    }
    /// Options that nobody here knows stay; a known one twice, and a token that cannot stand in a SETUP, are wrong.
    static Setup read(FieldReader &from, MessageType type, StreamKind) {
        Setup message;
        message.of_server = type == MessageType::ServerSetup;
        const bool is_counted = from.dialect().shared_stream;
        const std::uint64_t count = is_counted ? from.number() : 0;
        message.options = Pairs::read_rest(from);
        if (const auto wrong = wrong_with(message.options, from.dialect()); wrong != CloseCode::None) from.fail(wrong);
        std::uint64_t number = 0;
        for ([[maybe_unused]] const Pair &pair : message.options) ++number;
        if (from.ok() && is_counted && count != number) from.fail();
        return message;
    }

private:
    static CloseCode wrong_with(const Pairs &options, const Dialect &dialect) {
        FieldReader checks({}, dialect);
        std::optional<std::uint64_t> before;
        for (const Pair &pair : options) {
            const auto option = static_cast<SetupOption>(pair.type);
            if (before == pair.type && must_be_single(option, dialect)) checks.fail();
            before = pair.type;
            if (option == SetupOption::AuthorizationToken) check_token(checks, pair);
            if (!checks.ok()) break;
        }
        return checks.code();
    }
    static bool must_be_single(SetupOption option, const Dialect &dialect) noexcept {
        switch (option) {
            case SetupOption::MaxRequestId: return dialect.shared_stream;
            case SetupOption::Path:
            case SetupOption::MaxTokenCacheSize:
            case SetupOption::Authority:
            case SetupOption::Implementation: return true;
            case SetupOption::HopId:
            case SetupOption::RelayCost: return !dialect.shared_stream;
            case SetupOption::AuthorizationToken: return false;
        }
        return false;
    }
    static void check_token(FieldReader &from, const Pair &pair) {
        const Token token = detail::read_token(from, pair.bytes);
        if (from.ok()) from.fail_unless(token.form == Token::Form::Register || token.form == Token::Form::UseValue);
    }
};

/// The peer should go to `uri`, or to where it came from if that is empty; or move one request there.
struct Goaway {
    std::string uri;
    std::uint64_t timeout = 0;  // milliseconds; left out in draft 16
    /// The first request that was not served: on the control stream of draft 18 only.
    std::optional<std::uint64_t> request_id;

    friend bool operator==(const Goaway &, const Goaway &) = default;
    MessageType type(const Dialect &) const noexcept { return MessageType::Goaway; }
    void write(FieldWriter &to, StreamKind stream) const {
        to.text(uri, longest_uri);
        if (to.dialect().goaway_timeout) to.number(timeout);
        const bool names_request = to.dialect().goaway_request && stream == StreamKind::Control;
        if (names_request) to.number(request_id.value_or(0));
        else FieldWriter::need(!request_id);
    }
    static Goaway read(FieldReader &from, MessageType, StreamKind stream) {
        Goaway message;
        message.uri = from.text(longest_uri);
        if (from.dialect().goaway_timeout) message.timeout = from.number();
        if (from.dialect().goaway_request && stream == StreamKind::Control) message.request_id = from.number();
        return message;
    }
};

namespace detail {

/// A message of draft 16 that is a number alone. Later drafts end requests by their streams.
template <MessageType message_type> struct NumberMessage {
    std::uint64_t value = 0;

    friend bool operator==(const NumberMessage &, const NumberMessage &) = default;
    MessageType type(const Dialect &) const noexcept { return message_type; }
    void write(FieldWriter &to, StreamKind) const {
        FieldWriter::need(to.dialect().shared_stream);
        to.number(value);
    }
    static NumberMessage read(FieldReader &from, MessageType, StreamKind) { return NumberMessage{from.number()}; }
};

}  // namespace detail

/// The number of a request.
using Unsubscribe = detail::NumberMessage<MessageType::Unsubscribe>;
using FetchCancel = detail::NumberMessage<MessageType::FetchCancel>;
using PublishNamespaceDone = detail::NumberMessage<MessageType::PublishNamespaceDone>;
/// The first number that a request must not have.
using MaxRequestId = detail::NumberMessage<MessageType::MaxRequestId>;
using RequestsBlocked = detail::NumberMessage<MessageType::RequestsBlocked>;

/// The number of a request, and why no more is asked for below its namespace.
struct PublishNamespaceCancel {
    std::uint64_t request_id = 0;
    std::uint64_t code = 0;
    std::string reason;

    friend bool operator==(const PublishNamespaceCancel &, const PublishNamespaceCancel &) = default;
    MessageType type(const Dialect &) const noexcept { return MessageType::PublishNamespaceCancel; }
    void write(FieldWriter &to, StreamKind) const {
        FieldWriter::need(to.dialect().shared_stream);
        to.number(request_id);
        to.number(code);
        to.reason(reason);
    }
    static PublishNamespaceCancel read(FieldReader &from, MessageType, StreamKind) {
        PublishNamespaceCancel message;
        message.request_id = from.number();
        message.code = from.number();
        message.reason = from.reason();
        return message;
    }
};

}  // namespace comoq::ietf
