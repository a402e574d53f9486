#include "http_answer.hpp"

#include <comoq/error.hpp>
#include <comoq/websocket/http_head.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace {

// A number that is all of the text.
std::optional<std::size_t> whole_number(std::string_view text, int base) {
    std::size_t number = 0;
    const auto [stopped, wrong] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    return wrong == std::errc() && stopped == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

// Nothing if more is needed. The fields behind the last chunk are not read.
std::optional<std::string> without_chunks(std::string_view input, std::error_code &failure) {
    std::string body;
    while (true) {
        const auto end = input.find("\r\n");
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        const auto size = whole_number(input.substr(0, std::min(end, input.find(';'))), 16);
        if (!size || *size > longest_http_body || body.size() + *size > longest_http_body) {
            failure = make_error_code(size ? comoq::Error::BoundsExceeded : comoq::Error::Decode);
            return std::nullopt;
        }
        input.remove_prefix(end + 2);
        if (*size == 0) {
            return body;
        }
        if (input.size() < *size + 2) {
            return std::nullopt;
        }
        body.append(input.substr(0, *size));
        if (input.substr(*size, 2) != "\r\n") {
            failure = make_error_code(comoq::Error::Decode);
            return std::nullopt;
        }
        input.remove_prefix(*size + 2);
    }
}

// Nothing if more is needed.
std::optional<std::string> body_of(const comoq::websocket::ResponseHead &head, std::string_view input, bool is_end, std::error_code &failure) {
    if (head.fields.lists("Transfer-Encoding", "chunked")) {
        return without_chunks(input, failure);
    }
    if (head.fields.count("Content-Length") == 0) {
        if (input.size() > longest_http_body) {
            failure = make_error_code(comoq::Error::BoundsExceeded);
        }
        return is_end && !failure ? std::optional<std::string>(input) : std::nullopt;
    }
    const auto length = head.fields.only("Content-Length");
    const auto size = length ? whole_number(*length, 10) : std::nullopt;
    if (!size || *size > longest_http_body) {
        failure = make_error_code(size ? comoq::Error::BoundsExceeded : comoq::Error::Decode);
        return std::nullopt;
    }
    return input.size() >= *size ? std::optional<std::string>(input.substr(0, *size)) : std::nullopt;
}

}  // namespace

std::optional<HttpAnswer> read_http_answer(std::string_view input, bool is_end, std::error_code &failure) {
    const auto size = comoq::websocket::head_size(input, 0, failure);
    std::optional<std::string> body;
    std::optional<comoq::websocket::ResponseHead> head;
    if (size) {
        head = comoq::websocket::parse_response(input.substr(0, *size), failure);
    }
    if (head) {
        body = body_of(*head, input.substr(*size), is_end, failure);
    }
    if (body) {
        return HttpAnswer{head->status, std::move(*body)};
    }
    // What is said beside the body, between chunks, has a bound, too.
    if (!failure && input.size() > comoq::websocket::max_head_size + 2 * longest_http_body) {
        failure = make_error_code(comoq::Error::BoundsExceeded);
    }
    if (is_end && !failure) {
        failure = make_error_code(comoq::Error::Decode);
    }
    return std::nullopt;
}
