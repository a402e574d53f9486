#include <comoq/detail/qmux/unsent_limit.hpp>

#include <cstddef>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>

#include <comoq/detail/qmux/send_ahead.hpp>

#include "support/catch.hpp"

namespace unsent_limit_tests {

#ifdef TCP_NOTSENT_LOWAT

using asio::ip::tcp;
using comoq::qmux::detail::SendAhead;
using comoq::qmux::detail::UnsentLimit;

namespace {

int limit_of(tcp::socket &socket) {
    int value = -1;
    socklen_t size = sizeof value;
    REQUIRE(::getsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &value, &size) == 0);
    return value;
}

}  // namespace

TEST_CASE("unsent limit: a socket gets it, and what it had before once nothing limits it any more", "[qmux][rate]") {
    asio::io_context context;
    tcp::socket socket(context, tcp::v4());
    const int usual = limit_of(socket);
    UnsentLimit limit;
    limit.set(socket, 5'000);
    CHECK(limit_of(socket) == 5'000);
    limit.set(socket, SendAhead::no_limit);
    CHECK((limit_of(socket) == usual || limit_of(socket) == 2'147'483'647));
}

TEST_CASE("unsent limit: the program's own limit is never exceeded", "[qmux][rate]") {
    asio::io_context context;
    tcp::socket socket(context, tcp::v4());
    const int own = 8'192;
    REQUIRE(::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &own, sizeof own) == 0);
    UnsentLimit limit;
    limit.set(socket, 20'000);
    CHECK(limit_of(socket) == own);
    limit.set(socket, 4'096);
    CHECK(limit_of(socket) == 4'096);
    limit.set(socket, SendAhead::no_limit);
    CHECK(limit_of(socket) == own);
}

TEST_CASE("unsent limit: it does nothing for streams that cannot have one", "[qmux][rate]") {
    asio::io_context context;
    struct {
    } plain;
    UnsentLimit limit;
    limit.set(plain, 1);
    tcp::socket closed(context);
    limit.set(closed, 1);
#ifdef ASIO_HAS_LOCAL_SOCKETS
    asio::local::stream_protocol::socket local(context);
    local.open();
    limit.set(local, 1);
#endif
    tcp::socket socket(context, tcp::v4());
    limit.set(socket, 5'000);
    CHECK(limit_of(socket) == 5'000);
}

#endif

}
