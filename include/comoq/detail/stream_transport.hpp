#pragma once
#include "failure.hpp"
#include "mapped_source.hpp"
#include "outcome.hpp"
#include "receive_half.hpp"
#include "send_half.hpp"
#include "step.hpp"
#include "stream_rules.hpp"
#include "sync.hpp"
#include "../operation.hpp"
#include "../transport.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// The application's side of a connection, which is the same whatever the wire: handles, queues, who waits. The wire's side
/// derives from it, and is told under the lock of what the application did; it wakes whoever moves the bytes.
class StreamTransport : public Transport, public std::enable_shared_from_this<StreamTransport> {
public:
    /// A stream as the wire makes it: a half that is not there is null.
    struct Halves {
        std::shared_ptr<SendHalf> send;
        std::shared_ptr<ReceiveHalf> receive;
    };
    enum class Kind { Bidi, Uni };

    Mutex &mutex() const noexcept { return *mutex_; }
    bool is_closed() const noexcept { return closed_; }
    std::error_code close_code() const noexcept { return close_code_; }
    WaitList &closed_waits() noexcept { return closed_waits_; }

    asio::any_io_executor executor() const override { return executor_; }
    bool is_client() const noexcept override { return client_; }

    asio::awaitable<std::unique_ptr<SendStream>> open_uni() override;
    asio::awaitable<BidiStream> open_bidi() override;
    asio::awaitable<std::unique_ptr<ReceiveStream>> accept_uni() override;
    asio::awaitable<BidiStream> accept_bidi() override;
    asio::awaitable<Bytes> receive_datagram() override {
        return Operation<Bytes>(Step(DatagramRule<StreamTransport>(shared_from_this())));
    }
    asio::awaitable<std::error_code> closed() override {
        return Operation<std::error_code>(Step(ClosedRule<StreamTransport>(shared_from_this())));
    }
    void close(std::error_code code, std::string_view reason) override {
        WakeList wake;
        Lock lock(mutex());
        if (closed_) return;
        close_wanted(code, reason, wake);
        lose(code, wake);
    }
    void send_datagram(Bytes datagram) override {
        WakeList wake;
        Lock lock(mutex());
        if (!closed_ && may_send(datagram.size())) datagram_wanted(std::move(datagram), wake);
    }

    // For the rules: under the lock.

    WaitList &open_waits(Kind kind) noexcept { return queues(kind).open_waits; }
    bool may_open_now(Kind kind) const noexcept { return closed_ || may_open(kind); }
    Outcome<Halves> open_now(Kind kind) {
        if (closed_) return lost_code();
        return Outcome<Halves>(std::in_place, open(kind));
    }
    WaitList &accept_waits(Kind kind) noexcept { return queues(kind).accept_waits; }
    bool has_incoming(Kind kind) const noexcept { return closed_ || !queues(kind).incoming.empty(); }
    Outcome<Halves> take_incoming(Kind kind) noexcept {
        if (closed_) return lost_code();
        return taken_from(queues(kind).incoming);
    }
    WaitList &datagram_waits() noexcept { return datagram_waits_; }
    bool has_datagram() const noexcept { return closed_ || !datagrams_.empty(); }
    Outcome<Bytes> take_datagram() noexcept {
        if (closed_) return lost_code();
        return taken_from(datagrams_);
    }

    // For the handles of streams.

    void was_accepted(const Halves &halves) {
        WakeList wake;
        Lock lock(mutex());
        if (!closed_) accepted(halves, wake);
    }
    void was_read(ReceiveHalf &half, std::size_t count) {
        WakeList wake;
        Lock lock(mutex());
        if (!closed_) consumed(half, count, wake);
    }
    void write(SendHalf &half, std::span<const std::byte> head, Bytes payload) {
        WakeList wake;
        Lock lock(mutex());
        if (half.push(head, std::move(payload))) send_changed(half, wake);
    }
    void finish(SendHalf &half) {
        WakeList wake;
        Lock lock(mutex());
        if (half.over() || half.finished()) return;
        half.finish(wake);
        send_changed(half, wake);
    }
    void reset(SendHalf &half, std::error_code code) {
        WakeList wake;
        Lock lock(mutex());
        reset(half, code, wake);
    }
    /// Nobody writes to it any more.
    void abandon(SendHalf &half) {
        WakeList wake;
        Lock lock(mutex());
        if (!half.finished()) reset(half, make_error_code(Error::Cancelled), wake);
    }
    void set_order(SendHalf &half, const SendOrder &order) {
        Lock lock(mutex());
        if (half.order() == order) return;
        order_changed(half, order);
    }
    void stop(ReceiveHalf &half, std::error_code code) {
        WakeList wake;
        Lock lock(mutex());
        if (half.stopped()) return;
        const bool over = half.ended();
        const std::size_t dropped = half.stop(wake);
        if (closed_) return;
        consumed(half, dropped, wake);
        stop_wanted(half, over, wire_code(code), wake);
    }

protected:
    StreamTransport(asio::any_io_executor executor, std::shared_ptr<Mutex> mutex, bool client)
        : executor_(std::move(executor)), mutex_(std::move(mutex)), client_(client) {}

    // What the wire does about what the application wants. All under the lock.

    virtual bool may_open(Kind kind) const noexcept = 0;
    virtual Halves open(Kind kind) = 0;
    /// The application has a stream that the peer opened.
    virtual void accepted(const Halves &, WakeList &) {}
    /// There is more to send, or the end.
    virtual void send_changed(SendHalf &half, WakeList &wake) = 0;
    virtual void reset_wanted(SendHalf &half, std::uint32_t code, WakeList &wake) = 0;
    virtual void order_changed(SendHalf &half, const SendOrder &order) { half.set_order(order); }
    /// The application has taken so many bytes off, or dropped them.
    virtual void consumed(ReceiveHalf &half, std::size_t count, WakeList &wake) = 0;
    /// `over`: nothing would come any more anyway.
    virtual void stop_wanted(ReceiveHalf &half, bool over, std::uint32_t code, WakeList &wake) = 0;
    virtual void datagram_wanted(Bytes datagram, WakeList &wake) = 0;
    virtual void close_wanted(std::error_code code, std::string_view reason, WakeList &wake) = 0;
    /// Every stream that is not over fails with `code`.
    virtual void fail_streams(std::error_code code, WakeList &wake) = 0;

    // What the wire tells the application. All under the lock.

    void arrived(Kind kind, Halves halves, WakeList &wake) {
        queues(kind).incoming.push_back(std::move(halves));
        wake.take(queues(kind).accept_waits);
    }
    std::size_t waiting_to_be_accepted(Kind kind) const noexcept { return queues(kind).incoming.size(); }
    /// What fails when the connection is over fails with this.
    std::error_code lost_code() const noexcept { return close_code_ ? close_code_ : make_error_code(Error::Closed); }
    void may_open_more(Kind kind, WakeList &wake) noexcept { wake.take(queues(kind).open_waits); }
    void datagram_arrived(Bytes datagram, WakeList &wake) {
        // Nobody has promised that a datagram arrives: the oldest goes.
        if (datagrams_.size() == most_datagrams) datagrams_.pop_front();
        datagrams_.push_back(std::move(datagram));
        wake.take(datagram_waits_);
    }
    /// The connection is over. The first code counts.
    void lose(std::error_code code, WakeList &wake) {
        if (closed_) return;
        closed_ = true;
        close_code_ = code;
        fail_streams(lost_code(), wake);
        for (Queues *each : {&bidi_, &uni_}) {
            each->incoming.clear();
            wake.take(each->accept_waits);
            wake.take(each->open_waits);
        }
        datagrams_.clear();
        wake.take(datagram_waits_);
        wake.take(closed_waits_);
    }

private:
    BidiStream both(Halves &&halves);
    void reset(SendHalf &half, std::error_code code, WakeList &wake) {
        if (half.fail(failure(code), wake)) reset_wanted(half, wire_code(code), wake);
    }
    bool may_send(std::size_t size) const noexcept {
        const std::size_t most = max_datagram_size();
        return most != 0 && size <= most;
    }

    struct Queues {
        std::deque<Halves> incoming;
        WaitList accept_waits;
        WaitList open_waits;
    };
    Queues &queues(Kind kind) noexcept { return kind == Kind::Bidi ? bidi_ : uni_; }
    const Queues &queues(Kind kind) const noexcept { return kind == Kind::Bidi ? bidi_ : uni_; }

    template <class T> static Outcome<T> taken_from(std::deque<T> &queue) noexcept {
        Outcome<T> front(std::in_place, std::move(queue.front()));
        queue.pop_front();
        return front;
    }

    static constexpr std::size_t most_datagrams = 256;

    const asio::any_io_executor executor_;
    const std::shared_ptr<Mutex> mutex_;
    const bool client_;
    Queues bidi_;
    Queues uni_;
    std::deque<Bytes> datagrams_;
    WaitList datagram_waits_;
    bool closed_ = false;
    std::error_code close_code_;
    WaitList closed_waits_;
};

/// The application's handle of a half that is written.
class SendHandle final : public SendStream {
public:
    SendHandle(std::shared_ptr<StreamTransport> transport, std::shared_ptr<SendHalf> half) noexcept
        : transport_(std::move(transport)), half_(std::move(half)) {}
    ~SendHandle() override { transport_->abandon(*half_); }

    asio::awaitable<void> write(std::span<const std::byte> head, Bytes payload) override {
        transport_->write(*half_, head, std::move(payload));
        return Operation<void>(Step(WritableRule<StreamTransport>(transport_, half_)));
    }
    void finish() override { transport_->finish(*half_); }
    asio::awaitable<void> sent() override {
        return Operation<void>(Step(SentRule<StreamTransport>(transport_, half_)));
    }
    void reset(std::error_code code) override { transport_->reset(*half_, code); }
    asio::awaitable<std::error_code> stopped() override {
        return Operation<std::error_code>(Step(StoppedRule<StreamTransport>(transport_, half_)));
    }
    void set_order(const SendOrder &order) override { transport_->set_order(*half_, order); }

private:
    const std::shared_ptr<StreamTransport> transport_;
    const std::shared_ptr<SendHalf> half_;
};

/// The application's handle of a half that is read.
class ReceiveHandle final : public ReceiveStream {
public:
    ReceiveHandle(std::shared_ptr<StreamTransport> transport, std::shared_ptr<ReceiveHalf> half) noexcept
        : transport_(std::move(transport)), half_(std::move(half)) {}
    ~ReceiveHandle() override { transport_->stop(*half_, make_error_code(Error::Cancelled)); }

    asio::awaitable<Bytes> read() override {
        // The rule keeps both alive as long as the map is there.
        const auto was_read = [transport = transport_.get(), half = half_.get()](Bytes &&bytes) {
            if (!bytes.empty()) transport->was_read(*half, bytes.size());
            return std::move(bytes);
        };
        return Operation<Bytes>(mapped<Bytes>(Step(ReadRule<StreamTransport>(transport_, half_)), was_read));
    }
    void stop(std::error_code code) override { transport_->stop(*half_, code); }

private:
    const std::shared_ptr<StreamTransport> transport_;
    const std::shared_ptr<ReceiveHalf> half_;
};

inline asio::awaitable<std::unique_ptr<SendStream>> StreamTransport::open_uni() {
    using Stream = std::unique_ptr<SendStream>;
    const auto handle = [this](Halves &&halves) -> Stream {
        return std::make_unique<SendHandle>(shared_from_this(), std::move(halves.send));
    };
    return Operation<Stream>(mapped<Stream>(Step(OpenRule<StreamTransport>(shared_from_this(), Kind::Uni)), handle));
}
inline asio::awaitable<BidiStream> StreamTransport::open_bidi() {
    const auto handles = [this](Halves &&halves) { return both(std::move(halves)); };
    return Operation<BidiStream>(mapped<BidiStream>(Step(OpenRule<StreamTransport>(shared_from_this(), Kind::Bidi)), handles));
}
inline asio::awaitable<std::unique_ptr<ReceiveStream>> StreamTransport::accept_uni() {
    using Stream = std::unique_ptr<ReceiveStream>;
    const auto handle = [this](Halves &&halves) -> Stream {
        Stream stream = std::make_unique<ReceiveHandle>(shared_from_this(), halves.receive);
        was_accepted(halves);
        return stream;
    };
    return Operation<Stream>(mapped<Stream>(Step(AcceptRule<StreamTransport>(shared_from_this(), Kind::Uni)), handle));
}
inline asio::awaitable<BidiStream> StreamTransport::accept_bidi() {
    const auto handles = [this](Halves &&halves) {
        BidiStream stream = both(Halves(halves));
        was_accepted(halves);
        return stream;
    };
    return Operation<BidiStream>(mapped<BidiStream>(Step(AcceptRule<StreamTransport>(shared_from_this(), Kind::Bidi)), handles));
}
inline BidiStream StreamTransport::both(Halves &&halves) {
    return BidiStream(std::make_unique<SendHandle>(shared_from_this(), std::move(halves.send)),
                      std::make_unique<ReceiveHandle>(shared_from_this(), std::move(halves.receive)));
}

}  // namespace comoq::detail
