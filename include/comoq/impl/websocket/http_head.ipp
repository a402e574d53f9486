// SPDX-License-Identifier: MIT
#pragma once
#include "../../websocket/http_head.hpp"

namespace comoq::websocket {

COMOQ_DECL bool RequestHead::keeps_alive() const {
    return minor_version == 0 ? fields.lists("Connection", "keep-alive") : !fields.lists("Connection", "close");
}

COMOQ_DECL bool RequestHead::has_body() const noexcept {
    const auto length = fields.only("Content-Length");
    return fields.count("Transfer-Encoding") != 0 || (fields.count("Content-Length") != 0 && length != "0");
}

COMOQ_DECL std::optional<std::size_t> head_size(std::string_view input, std::size_t known,
                                                std::error_code &failure) noexcept {
    const auto text = input.substr(0, max_head_size);
    const auto end = text.find("\r\n\r\n", known < 3 ? 0 : known - 3);
    const auto size = end == std::string_view::npos ? text.size() : end + 4;
    const auto news = text.substr(std::min(known, size), size - std::min(known, size));
    if (!std::ranges::all_of(news, [](char one) { return detail::is_text(one) || one == '\r' || one == '\n'; })) {
        failure = make_error_code(Error::Decode);
        return std::nullopt;
    }
    if (end != std::string_view::npos) return size;
    if (size == max_head_size) failure = make_error_code(Error::BoundsExceeded);
    return std::nullopt;
}

}  // namespace comoq::websocket

namespace comoq::websocket::detail {

COMOQ_DECL std::string_view take_until(std::string_view &text, std::string_view delimiter) noexcept {
    const auto end = text.find(delimiter);
    const auto taken = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + delimiter.size());
    return taken;
}

COMOQ_DECL std::optional<unsigned> parse_version(std::string_view text, std::error_code &failure) noexcept {
    if (text == "HTTP/1.1") return 1;
    if (text == "HTTP/1.0") return 0;
    const auto is_digit = [](char one) { return one >= '0' && one <= '9'; };
    const bool is_version =
        text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) && text[6] == '.' && is_digit(text[7]);
    failure = make_error_code(is_version ? Error::Version : Error::Decode);
    return std::nullopt;
}

COMOQ_DECL bool parse_fields(std::string_view text, Fields &fields, std::error_code &failure) {
    while (!text.empty()) {
        const auto line = take_until(text, "\r\n");
        if (line.empty() && text.empty()) return true;
        const auto colon = line.find(':');
        const auto name = line.substr(0, colon);
        const auto value = trimmed(colon == std::string_view::npos ? "" : line.substr(colon + 1));
        // A space before the colon or at the beginning of a line does not belong to a name: a peer that reads it
        // differently would see another request.
        if (colon == std::string_view::npos || !is_token(name) || !is_value(value)) break;
        if (fields.all().size() == max_fields) {
            failure = make_error_code(Error::BoundsExceeded);
            return false;
        }
        fields.add(name, value);
    }
    failure = make_error_code(Error::Decode);
    return false;
}

COMOQ_DECL bool is_target(std::string_view text) noexcept {
    return !text.empty() && std::ranges::all_of(text, [](char one) { return one > ' ' && one < '\x7f'; });
}

COMOQ_DECL void write_fields(const Fields &fields, std::string &to) {
    for (const Field &field : fields.all()) {
        if (!is_token(field.name) || !is_value(field.value)) comoq::detail::throw_error(make_error_code(Error::Encode));
        to.append(field.name).append(": ").append(field.value).append("\r\n");
    }
    to += "\r\n";
}

}  // namespace comoq::websocket::detail

namespace comoq::websocket {

COMOQ_DECL std::optional<RequestHead> parse_request(std::string_view head, std::error_code &failure) {
    RequestHead request;
    auto line = detail::take_until(head, "\r\n");
    request.method = detail::take_until(line, " ");
    request.target = detail::take_until(line, " ");
    const auto version = detail::parse_version(line, failure);
    if (!version) return std::nullopt;
    request.minor_version = *version;
    if (!detail::is_token(request.method) || !detail::is_target(request.target)) {
        failure = make_error_code(Error::Decode);
        return std::nullopt;
    }
    if (!detail::parse_fields(head, request.fields, failure)) return std::nullopt;
    // RFC 9112, section 3.2.
    const auto hosts = request.fields.count("Host");
    if (hosts > 1 || (hosts == 0 && request.minor_version != 0)) {
        failure = make_error_code(Error::Decode);
        return std::nullopt;
    }
    return request;
}

COMOQ_DECL std::optional<ResponseHead> parse_response(std::string_view head, std::error_code &failure) {
    ResponseHead response;
    auto line = detail::take_until(head, "\r\n");
    const auto version = detail::parse_version(detail::take_until(line, " "), failure);
    if (!version) return std::nullopt;
    response.minor_version = *version;
    const auto status = detail::take_until(line, " ");
    const auto is_digit = [](char one) { return one >= '0' && one <= '9'; };
    if (status.size() != 3 || !std::ranges::all_of(status, is_digit) || status[0] == '0' || !detail::is_value(line)) {
        failure = make_error_code(Error::Decode);
        return std::nullopt;
    }
    response.status = 0;
    for (const char digit : status) response.status = 10 * response.status + static_cast<unsigned>(digit - '0');
    response.reason = line;
    if (!detail::parse_fields(head, response.fields, failure)) return std::nullopt;
    return response;
}

COMOQ_DECL std::string to_text(const RequestHead &request) {
    if (!detail::is_token(request.method) || !detail::is_target(request.target))
        comoq::detail::throw_error(make_error_code(Error::Encode));
    std::string text = request.method + ' ' + request.target + " HTTP/1.1\r\n";
    detail::write_fields(request.fields, text);
    return text;
}

COMOQ_DECL std::string to_text(const ResponseHead &response) {
    if (response.status < 100 || response.status > 999 || !detail::is_value(response.reason))
        comoq::detail::throw_error(make_error_code(Error::Encode));
    std::string text = "HTTP/1.1 " + std::to_string(response.status) + ' ' + response.reason + "\r\n";
    detail::write_fields(response.fields, text);
    return text;
}

}  // namespace comoq::websocket
