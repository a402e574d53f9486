// SPDX-License-Identifier: MIT
#pragma once
#include "../../websocket/handshake.hpp"

namespace comoq::websocket::detail {

COMOQ_DECL std::string base64(std::span<const unsigned char> bytes) {
    // Four characters for three bytes, and a zero at the end.
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    const int size =
        EVP_EncodeBlock(reinterpret_cast<unsigned char *>(text.data()), bytes.data(), static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(size));
    return text;
}

COMOQ_DECL bool is_key(std::string_view text) noexcept {
    const auto is_of_base64 = [](char one) {
        return (one >= 'a' && one <= 'z') || (one >= 'A' && one <= 'Z') || (one >= '0' && one <= '9') || one == '+' ||
               one == '/';
    };
    return text.size() == 24 && text.ends_with("==") && std::ranges::all_of(text.substr(0, 22), is_of_base64);
}

}  // namespace comoq::websocket::detail

namespace comoq::websocket {

COMOQ_DECL std::string make_key() {
    std::array<unsigned char, 16> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
        comoq::detail::throw_error(make_error_code(Error::Unsupported));
    return detail::base64(bytes);
}

COMOQ_DECL std::string accept_of(std::string_view key) {
    std::string text(key);
    text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1)
        comoq::detail::throw_error(make_error_code(Error::Unsupported));
    return detail::base64(std::span(digest).first(size));
}

COMOQ_DECL bool is_upgrade(const RequestHead &request) {
    // HTTP/1.0 has no upgrades: an Upgrade field means nothing there (RFC 9110, section 7.8).
    return request.minor_version != 0 && request.fields.lists("Upgrade", "websocket");
}

COMOQ_DECL Answer refusal(unsigned status, std::string_view reason, std::error_code failure) {
    Answer answer;
    answer.response.status = status;
    answer.response.reason = reason;
    answer.response.fields.add("Connection", "close");
    answer.response.fields.add("Content-Length", "0");
    answer.failure = failure;
    return answer;
}

COMOQ_DECL Answer refusal_of_head(std::error_code failure) {
    if (failure == Error::BoundsExceeded) return refusal(431, "Request Header Fields Too Large", failure);
    if (failure == Error::Version) return refusal(505, "HTTP Version Not Supported", failure);
    return refusal(400, "Bad Request", failure);
}

COMOQ_DECL Answer answer_upgrade(const RequestHead &request, std::span<const std::string_view> ours) {
    const Fields &fields = request.fields;
    const auto key = fields.only("Sec-WebSocket-Key");
    if (request.method != "GET" || !is_upgrade(request) || !fields.lists("Connection", "Upgrade") ||
        request.has_body() || !key || !detail::is_key(*key))
        return refusal(400, "Bad Request", make_error_code(Error::ProtocolViolation));
    if (fields.only("Sec-WebSocket-Version") != "13") {
        auto answer = refusal(426, "Upgrade Required", make_error_code(Error::Version));
        answer.response.fields.add("Sec-WebSocket-Version", "13");
        return answer;
    }
    const auto chosen = qmux::choose_subprotocol(fields.joined("Sec-WebSocket-Protocol"), ours);
    if (!chosen) return refusal(400, "Bad Request", make_error_code(Error::UnknownAlpn));

    Answer answer;
    answer.chosen = chosen;
    answer.response.status = 101;
    answer.response.reason = "Switching Protocols";
    answer.response.fields.add("Upgrade", "websocket");
    answer.response.fields.add("Connection", "Upgrade");
    answer.response.fields.add("Sec-WebSocket-Accept", accept_of(*key));
    answer.response.fields.add("Sec-WebSocket-Protocol", chosen->name());
    return answer;
}

COMOQ_DECL RequestHead upgrade_request(std::string_view host, std::string_view target, std::string_view key,
                                       std::span<const std::string_view> ours) {
    RequestHead request;
    request.target = target;
    request.fields.add("Host", host);
    request.fields.add("Upgrade", "websocket");
    request.fields.add("Connection", "Upgrade");
    request.fields.add("Sec-WebSocket-Key", key);
    request.fields.add("Sec-WebSocket-Version", "13");
    request.fields.add("Sec-WebSocket-Protocol", qmux::offer(ours));
    return request;
}

COMOQ_DECL std::optional<qmux::Subprotocol> check_answer(const ResponseHead &response, std::string_view key,
                                                         std::span<const std::string_view> ours,
                                                         std::error_code &failure) {
    const auto fail = [&failure](Error error) {
        failure = make_error_code(error);
        return std::nullopt;
    };
    const Fields &fields = response.fields;
    const unsigned status = response.status;
    if (status == 401 || status == 403) return fail(Error::Unauthorized);
    if (status == 404) return fail(Error::NotFound);
    if (status == 426) return fail(Error::Version);
    // Also what the server will not do now: 408 and 429.
    if (status >= 500 || status == 408 || status == 429) return fail(Error::Transport);
    if (status != 101) return fail(Error::Unsupported);
    const auto upgrade = fields.only("Upgrade");
    if (response.minor_version == 0 || !upgrade || !detail::same_text(*upgrade, "websocket") ||
        !fields.lists("Connection", "Upgrade") || fields.only("Sec-WebSocket-Accept") != accept_of(key) ||
        fields.count("Sec-WebSocket-Extensions") != 0)
        return fail(Error::ProtocolViolation);
    const auto answer = fields.only("Sec-WebSocket-Protocol");
    const auto chosen = answer ? qmux::accepted_subprotocol(*answer, ours) : std::nullopt;
    if (!chosen) return fail(Error::UnknownAlpn);
    return chosen;
}

}  // namespace comoq::websocket
