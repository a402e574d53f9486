#include "deadline.hpp"

#include <asio/error.hpp>

#include <system_error>

Deadline::Deadline(asio::ip::tcp::socket &socket, std::chrono::milliseconds time)
    : state_(std::make_shared<State>(State{&socket})), timer_(socket.get_executor(), time) {
    timer_.async_wait([state = state_](std::error_code cancelled) {
        // Its handler may already be on its way when the deadline is over.
        if (cancelled || state->socket == nullptr) {
            return;
        }
        state->passed = true;
        std::error_code ignored;
        state->socket->close(ignored);
    });
}

Deadline::~Deadline() { state_->socket = nullptr; }

void Deadline::check() const {
    if (state_->passed) {
        throw std::system_error(asio::error::make_error_code(asio::error::timed_out));
    }
}

void Deadline::rethrow() const {
    check();
    throw;
}
