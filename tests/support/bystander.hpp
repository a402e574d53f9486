/// \file Whether a loop lets the others on its executor have their turns.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <comoq/detail/wait/turn.hpp>
#include <comoq/transport.hpp>

namespace comoq::test {

/// Another transport, with a count of the streams that are asked of it.
class CountingTransport final : public Transport {
public:
    explicit CountingTransport(std::shared_ptr<Transport> counted) : to_(std::move(counted)) {}

    std::size_t opened = 0, accepted = 0;

    asio::any_io_executor executor() const override { return to_->executor(); }
    bool is_client() const noexcept override { return to_->is_client(); }
    std::string_view protocol() const noexcept override { return to_->protocol(); }
    asio::awaitable<std::unique_ptr<SendStream>> open_uni() override {
        ++opened;
        return to_->open_uni();
    }
    asio::awaitable<BidiStream> open_bidi() override {
        ++opened;
        return to_->open_bidi();
    }
    asio::awaitable<std::unique_ptr<ReceiveStream>> accept_uni() override {
        ++accepted;
        return to_->accept_uni();
    }
    asio::awaitable<BidiStream> accept_bidi() override {
        ++accepted;
        return to_->accept_bidi();
    }
    std::size_t max_datagram_size() const noexcept override { return to_->max_datagram_size(); }
    void send_datagram(Bytes datagram) override { to_->send_datagram(std::move(datagram)); }
    asio::awaitable<Bytes> receive_datagram() override { return to_->receive_datagram(); }
    void close(std::uint64_t number, std::string_view reason) override { to_->close(number, reason); }
    asio::awaitable<std::error_code> closed() override { return to_->closed(); }
    void abandon_with(std::uint64_t number) override { to_->abandon_with(number); }
    TransportStats stats() const override { return to_->stats(); }

private:
    const std::shared_ptr<Transport> to_;
};

/// A coroutine that takes one turn after the other, until `count` has come to `end`, or clearly never will.
struct Bystander {
    static constexpr std::size_t most_steps = 1'000'000;
    std::size_t steps = 0;
    /// The most that `count` grew between two of its steps.
    std::size_t longest_wait = 0;

    asio::awaitable<void> watch(const std::size_t &count, std::size_t end) {
        for (std::size_t seen = count; seen < end && steps != most_steps;) {
            co_await detail::next_turn();
            ++steps;
            longest_wait = std::max(longest_wait, count - seen);
            seen = count;
        }
    }
};

}  // namespace comoq::test
