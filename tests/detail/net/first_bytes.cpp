#include <comoq/detail/net/first_bytes.hpp>

#include <string_view>
#include <system_error>

#include "support/catch.hpp"

namespace first_bytes_tests {

using namespace comoq;
using namespace comoq::net::detail;
using namespace std::string_view_literals;

TEST_CASE("the first bytes of a server say what it speaks instead", "[net]") {
    const auto decode = make_error_code(Error::Decode);
    const std::error_code eof = asio::error::eof;
    CHECK(explained(decode, "HTTP/1.1 400 Bad Request\r\n"sv, Expected::Qmux) == ConnectError::ServerSpeaksHttp);
    CHECK(explained(eof, "\x15\x03\x01\x00\x02"sv, Expected::Qmux) == ConnectError::ServerSpeaksTls);
    CHECK(explained(decode, "\x15\x03\x01\x00\x02"sv, Expected::Http) == ConnectError::ServerSpeaksTls);
    CHECK(explained(decode, "\x40\x91\xffQS0\r\n\r\n"sv, Expected::Http) == ConnectError::ServerSpeaksQmux);
}

TEST_CASE("a server that closes without a word may expect TLS or a WebSocket", "[net]") {
    for (const std::error_code code : {std::error_code(asio::error::eof), std::error_code(asio::error::connection_reset)}) {
        CHECK(explained(code, ""sv, Expected::Qmux) == ConnectError::ClosedAtOnce);
        CHECK(explained(code, ""sv, Expected::Http) == ConnectError::ClosedAtOnce);
        CHECK(explained(code, "H"sv, Expected::Http) == code);
    }
}

TEST_CASE("a failure that the first bytes do not explain stays what it is", "[net]") {
    const auto refused = make_error_code(Error::Unauthorized);
    CHECK(explained(refused, "HTTP/1.1 403 Forbidden\r\n"sv, Expected::Http) == refused);
    CHECK(explained(asio::error::operation_aborted, ""sv, Expected::Qmux) == asio::error::operation_aborted);
    CHECK(explained(make_error_code(Error::Decode), "\x40\x91\xffQS0\r\n\r\n"sv, Expected::Qmux) == Error::Decode);
}

}  // namespace first_bytes_tests
