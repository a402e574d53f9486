// A fuzzer for a connection of qmux: its input is a peer's records, each behind two bytes that give its length and the other
// events. The application accepts, reads, writes and releases streams as these bytes say. For any input it must not
// crash, and must hold no more than the peer was allowed.
#include <comoq/detail/qmux/connection.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include "support/manual_clock.hpp"

using namespace comoq;
using namespace std::chrono_literals;

namespace {

void check(bool right) {
    if (!right) {
        std::abort();
    }
}

constexpr std::uint64_t most_streams = 20;
constexpr std::uint64_t most_data = 5000;

qmux::ConnectionConfig config_of(std::uint8_t choice, const Clock &clock) {
    qmux::ConnectionConfig config;
    config.version = (choice & 1) != 0 ? qmux::Version::Draft01 : qmux::Version::Draft02;
    if ((choice & 2) != 0) {
        config.protocols = {"moq-lite-05"};
    } else {
        config.protocol = "moq-lite-05";
    }
    config.parameters.max_data = most_data;
    config.parameters.max_stream_data_bidi_remote = 2000;
    config.parameters.max_stream_data_bidi_local = 2000;
    config.parameters.max_stream_data_uni = 3000;
    config.parameters.max_streams_bidi = most_streams;
    config.parameters.max_streams_uni = most_streams;
    config.clock = clock;
    return config;
}

/// The application, and the loop that moves its records to nowhere.
class Application {
public:
    Application(std::uint8_t choice, std::span<const std::byte> greeting)
        : connection_(std::make_shared<qmux::Connection>(context_.get_executor(), false, config_of(choice, clock_.clock()))) {
        if ((choice & 4) != 0) {
            connection_->input(greeting);
        }
    }
    ~Application() {
        connection_->lost({});
        settle_down();
    }

    void input(std::span<const std::byte> record) {
        connection_->input(record);
        // Streams that the peer may have open, and those that this side opened.
        check(connection_->open_streams() <= 2 * most_streams + opened_);
    }
    void act(std::uint8_t choice) {
        switch (choice % 16) {
        case 0: begin(accept_bidi()); break;
        case 1: begin(accept_uni()); break;
        case 2: begin(open_uni()); break;
        case 3: begin(open_bidi()); break;
        case 4:
        case 5: read_some(choice); break;
        case 6:
        case 7: write_some(choice); break;
        case 8:
            if (SendStream *stream = any(sending_, choice)) stream->finish();
            break;
        case 9:
            if (SendStream *stream = any(sending_, choice)) stream->reset(choice);
            break;
        case 10:
            if (ReceiveStream *stream = any(receiving_, choice)) stream->stop(choice);
            break;
        case 11:
            if (!sending_.empty()) sending_.pop_front();
            break;
        case 12:
            if (!receiving_.empty()) receiving_.pop_front();
            break;
        case 13:
            clock_.advance(std::chrono::seconds(choice / 16));
            connection_->tick();
            break;
        case 14: connection_->send_datagram(Bytes(std::vector<std::byte>(choice))); break;
        default:
            if (choice == 255) {
                connection_->close(choice, "enough");
            } else if (SendStream *stream = any(sending_, choice)) {
                stream->set_order({static_cast<std::uint8_t>(choice >> 6), 0, static_cast<std::uint8_t>(choice >> 5), choice});
            }
        }
        settle_down();
    }
    /// What it sends must be records of frames.
    void output() {
        while (connection_->output(record_)) {
            std::vector<std::byte> all;
            for (const auto &each : record_.buffers()) {
                const auto *begin = static_cast<const std::byte *>(each.data());
                all.insert(all.end(), begin, begin + each.size());
            }
            check(!all.empty() && all.size() == record_.size() && all.size() <= qmux::OutgoingRecord::most);
            std::error_code failure;
            std::span<const std::byte> rest = all;
            while (const auto read = qmux::next_frame(rest, failure)) {
                rest = rest.subspan(read->size);
            }
            check(!failure);
        }
        check(!connection_->ends_here() || connection_->is_silent());
    }

private:
    template <class T> static T *any(std::deque<std::unique_ptr<T>> &all, std::uint8_t choice) {
        return all.empty() ? nullptr : all[choice / 16 % all.size()].get();
    }
    void settle_down() {
        context_.restart();
        context_.poll();
    }
    void begin(asio::awaitable<void> coroutine) {
        asio::co_spawn(context_, std::move(coroutine), [](std::exception_ptr failure) {
            try {
                if (failure) std::rethrow_exception(failure);
            } catch (const std::system_error &) {
            }
        });
    }
    void keep(BidiStream stream) {
        sending_.push_back(std::move(stream.send));
        receiving_.push_back(std::move(stream.receive));
    }
    asio::awaitable<void> accept_bidi() {
        auto stream = co_await connection_->accept_bidi();
        keep(std::move(stream));
    }
    asio::awaitable<void> accept_uni() {
        auto stream = co_await connection_->accept_uni();
        receiving_.push_back(std::move(stream));
    }
    asio::awaitable<void> open_bidi() {
        auto stream = co_await connection_->open_bidi();
        ++opened_;
        keep(std::move(stream));
    }
    asio::awaitable<void> open_uni() {
        auto stream = co_await connection_->open_uni();
        ++opened_;
        sending_.push_back(std::move(stream));
    }
    void read_some(std::uint8_t choice) {
        ReceiveStream *stream = any(receiving_, choice);
        if (stream == nullptr || std::exchange(reading_, true)) return;
        begin(read(*stream, *this));
        settle_down();
        // A read that waits is cancelled by the end of its stream: only available bytes are read.
        if (!reading_) return;
        const auto is_it = [stream](const auto &one) { return one.get() == stream; };
        receiving_.erase(std::find_if(receiving_.begin(), receiving_.end(), is_it));
        settle_down();
    }
    static asio::awaitable<void> read(ReceiveStream &stream, Application &self) {
        try {
            const Bytes bytes = co_await stream.read();
            check(bytes.size() <= most_data);
        } catch (const std::system_error &) {
        }
        self.reading_ = false;
    }
    void write_some(std::uint8_t choice) {
        if (SendStream *stream = any(sending_, choice)) {
            begin(stream->write(Bytes(std::vector<std::byte>(std::size_t{choice} * 3))));
        }
    }

    asio::io_context context_;
    test::ManualClock clock_;
    std::shared_ptr<qmux::Connection> connection_;
    qmux::OutgoingRecord record_;
    std::deque<std::unique_ptr<SendStream>> sending_;
    std::deque<std::unique_ptr<ReceiveStream>> receiving_;
    std::size_t opened_ = 0;
    bool reading_ = false;
};

std::vector<std::byte> greeting() {
    auto parameters = qmux::default_parameters();
    parameters.protocols = {"moq-lite-05"};
    std::vector<std::byte> frame;
    qmux::encode(parameters, frame);
    return frame;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    static const std::vector<std::byte> hello = greeting();
    Application application(data[0], hello);
    auto rest = std::as_bytes(std::span(data, size)).subspan(1);
    while (rest.size() >= 2) {
        const auto length = std::min<std::size_t>(std::to_integer<std::uint8_t>(rest[0]), rest.size() - 2);
        const auto choice = std::to_integer<std::uint8_t>(rest[1]);
        application.input(rest.subspan(2, length));
        application.act(choice);
        // A peer need not read its bytes at once.
        if ((choice & 32) != 0) {
            application.output();
        }
        rest = rest.subspan(2 + length);
    }
    application.output();
    return 0;
}
