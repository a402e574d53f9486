/// \file
/// A connection over a channel that notes what it is asked for.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>

#include <comoq/qmux/connection.hpp>
#include <comoq/qmux/run.hpp>

#include "fair_strand_scene.hpp"
#include "support/catch.hpp"
#include "support/greeting.hpp"
#include "support/transport_scene.hpp"

namespace comoq::test {

inline std::string text_of(std::span<const asio::const_buffer> buffers) {
    std::string text;
    for (const auto &buffer : buffers) text.append(static_cast<const char *>(buffer.data()), buffer.size());
    return text;
}

/// What a channel was asked for: 'n' to write now, 'r' to write or to write the rest. It has the peer's parameters to read.
struct Noted {
    explicit Noted(asio::io_context &of) : context(of), greeting(of) {}
    asio::io_context &context;
    /// Called with each record.
    std::function<void()> written = [] {};
    Greeting greeting;
    std::string calls;
    std::vector<std::string> records;
    bool takes = true;
};

class NotingChannel {
public:
    explicit NotingChannel(std::shared_ptr<Noted> noted) : noted_(std::move(noted)) {}

    asio::awaitable<std::span<const std::byte>> read_record() { return noted_->greeting.read_record(); }
    bool write_now(std::span<const asio::const_buffer> frames) {
        noted_->calls += 'n';
        noted_->records.push_back(text_of(frames));
        noted_->written();
        return noted_->takes;
    }
    asio::awaitable<void> write_record(std::span<const asio::const_buffer> frames) {
        noted_->calls += 'r';
        noted_->records.push_back(text_of(frames));
        noted_->written();
        co_await asio::post(noted_->context, asio::use_awaitable);
    }
    void close() noexcept { noted_->greeting.end(); }

private:
    std::shared_ptr<Noted> noted_;
};

/// A connection over such a channel, with a stream.
struct NotingScene : TransportScene {
    explicit NotingScene(bool is_on_strand = false)
        : executor(is_on_strand ? asio::any_io_executor(fair_strand_tests::strand_of(context))
                                : asio::any_io_executor(context.get_executor())) {
        qmux::ConnectionConfig config;
        config.protocol = "moq-lite-05";
        config.parameters.idle_timeout = std::chrono::milliseconds(0);
        connection = qmux::start(NotingChannel(noted), true, std::move(config), executor);
        run();
        stream = now(connection->open_uni());
        write(*stream, std::string(1000, 'a'));
        noted->calls.clear();
        noted->records.clear();
    }
    ~NotingScene() {
        noted->greeting.end();
        run();
        CHECK(connection->done().ready());
    }
    NotingScene(const NotingScene &) = delete;
    NotingScene &operator=(const NotingScene &) = delete;

    const asio::any_io_executor executor;
    const std::shared_ptr<Noted> noted = std::make_shared<Noted>(context);
    std::shared_ptr<qmux::Connection> connection;
    SendPtr stream;
};

}  // namespace comoq::test
