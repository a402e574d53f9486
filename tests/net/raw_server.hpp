// Servers and clients that are nothing but their bytes.
#pragma once

#include <array>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>

namespace connect_tests {

using namespace comoq;
using namespace comoq::test;

using asio::ip::tcp;

/// A server that reads what a client sends first, and answers what the test says.
struct RawServer {
    explicit RawServer(asio::io_context &context) : acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {}
    std::string port() const { return std::to_string(acceptor.local_endpoint().port()); }
    /// To one connection. Closes it after that if `closes`.
    void answer(std::string text, bool closes) {
        acceptor.async_accept([this, text = std::move(text), closes](std::error_code failed, tcp::socket socket) {
            if (failed) {
                return;
            }
            kept.push_back(std::move(socket));
            kept.back().async_read_some(asio::buffer(room), [this, text, closes](std::error_code, std::size_t) {
                std::error_code ignored;
                asio::write(kept.back(), asio::buffer(text), ignored);
                has_answered = true;
                if (closes) {
                    kept.pop_back();
                }
            });
        });
    }

    tcp::acceptor acceptor;
    std::vector<tcp::socket> kept;
    std::array<char, 4096> room{};
    bool has_answered = false;
};

/// A port at which nobody listens.
inline std::string closed_port(asio::io_context &context) { return RawServer(context).port(); }

}  // namespace connect_tests
