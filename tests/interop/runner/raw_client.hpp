// SPDX-License-Identifier: MIT
// A client of MoQ Transport that writes and sees each message, as the interop runner's cases are told.
#pragma once

#include <comoq/detail/ietf/control_codec.hpp>
#include <comoq/detail/ietf/stream_reader.hpp>
#include <comoq/task_group.hpp>
#include <comoq/transport.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

// A request and its answers. It is taken back when this is destroyed.
class RawRequest {
public:
    RawRequest(comoq::BidiStream stream, comoq::ietf::Draft draft)
        : send_(std::move(stream.send)), reader_(std::move(stream.receive), draft), draft_(draft) {}

    asio::awaitable<void> write(comoq::ietf::ControlMessage message);
    // The next message. Throws the end of the stream, `std::runtime_error` if that is a peaceful one.
    asio::awaitable<comoq::ietf::ControlMessage> next();
    // Takes the request back.
    void cancel();
    void finish() { send_->finish(); }

private:
    std::unique_ptr<comoq::SendStream> send_;
    comoq::ietf::detail::StreamReader reader_;
    comoq::ietf::Draft draft_;
};

class RawClient : public std::enable_shared_from_this<RawClient> {
public:
    using Self = std::shared_ptr<RawClient>;

    // Begins with this side's SETUP. `target` is the path for which a transport without a URL asks. Whoever has called this calls
    // `close()` as well: the tasks of this client end by that.
    static asio::awaitable<Self> greet(std::shared_ptr<comoq::Transport> transport, std::optional<std::string> target);

    // The other side's SETUP. Once.
    asio::awaitable<comoq::ietf::Setup> setup();
    // A number for a request of this side.
    std::uint64_t next_id() { return std::exchange(id_, id_ + 2); }
    asio::awaitable<RawRequest> ask(comoq::ietf::ControlMessage message);
    // From now on the other side may subscribe to the tracks of that name; other subscriptions are refused, and what is said of
    // namespaces is agreed to.
    void serve(std::string track);
    // How many subscriptions were accepted.
    int accepted() const noexcept { return accepted_; }

    std::string_view protocol() const noexcept { return transport_->protocol(); }
    // In peace.
    void close() { transport_->close(0, ""); }

    RawClient(std::shared_ptr<comoq::Transport> transport, comoq::ietf::Draft draft, asio::any_io_executor executor)
        : transport_(std::move(transport)), draft_(draft), tasks_(std::move(executor)) {}

private:
    static asio::awaitable<void> serve_all(Self self, std::string track);
    static asio::awaitable<void> answer(Self self, std::string track, RawRequest request);

    const std::shared_ptr<comoq::Transport> transport_;
    const comoq::ietf::Draft draft_;
    std::unique_ptr<comoq::SendStream> control_;
    std::optional<comoq::ietf::detail::StreamReader> peers_control_;
    std::uint64_t id_ = 0;
    int accepted_ = 0;
    comoq::TaskGroup tasks_;
};
