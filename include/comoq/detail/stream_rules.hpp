#pragma once
#include "outcome.hpp"
#include "receive_half.hpp"
#include "send_half.hpp"
#include "sync.hpp"
#include "waiter.hpp"
#include "../bytes.hpp"
#include "../error.hpp"
#include "../transport.hpp"

#include <memory>
#include <system_error>
#include <utility>

namespace comoq::detail {

// What is waited for at a connection and its streams, for Step. `Connection` has `mutex()`, and what each rule names.

template <class Connection> class ConnectionRule {
public:
    explicit ConnectionRule(std::shared_ptr<Connection> connection) noexcept : connection_(std::move(connection)) {}
    Mutex &mutex() const noexcept { return connection_->mutex(); }

protected:
    std::shared_ptr<Connection> connection_;
};

/// The stream can take more.
template <class Connection> class WritableRule : public ConnectionRule<Connection> {
public:
    using value_type = void;
    WritableRule(std::shared_ptr<Connection> connection, std::shared_ptr<SendHalf> half) noexcept
        : ConnectionRule<Connection>(std::move(connection)), half_(std::move(half)) {}
    WaitList &waits() const noexcept { return half_->write_waits(); }
    bool available() const noexcept { return half_->can_take_more() || half_->finished(); }
    Outcome<void> take() { return half_->failure(); }

private:
    std::shared_ptr<SendHalf> half_;
};

/// All of the stream has been sent.
template <class Connection> class SentRule : public ConnectionRule<Connection> {
public:
    using value_type = void;
    SentRule(std::shared_ptr<Connection> connection, std::shared_ptr<SendHalf> half) noexcept
        : ConnectionRule<Connection>(std::move(connection)), half_(std::move(half)) {}
    WaitList &waits() const noexcept { return half_->write_waits(); }
    bool available() const noexcept { return half_->is_complete() || half_->over(); }
    Outcome<void> take() { return half_->failure(); }

private:
    std::shared_ptr<SendHalf> half_;
};

/// Nobody reads the stream.
template <class Connection> class StoppedRule : public ConnectionRule<Connection> {
public:
    using value_type = std::error_code;
    StoppedRule(std::shared_ptr<Connection> connection, std::shared_ptr<SendHalf> half) noexcept
        : ConnectionRule<Connection>(std::move(connection)), half_(std::move(half)) {}
    WaitList &waits() const noexcept { return half_->stop_waits(); }
    bool available() const noexcept { return half_->over(); }
    Outcome<value_type> take() { return Outcome<value_type>(std::in_place, half_->failure()); }

private:
    std::shared_ptr<SendHalf> half_;
};

/// There are bytes, or the end.
template <class Connection> class ReadRule : public ConnectionRule<Connection> {
public:
    using value_type = Bytes;
    ReadRule(std::shared_ptr<Connection> connection, std::shared_ptr<ReceiveHalf> half) noexcept
        : ConnectionRule<Connection>(std::move(connection)), half_(std::move(half)) {}
    WaitList &waits() const noexcept { return half_->read_waits(); }
    bool available() const noexcept { return half_->readable(); }
    Outcome<Bytes> take() { return half_->take(); }

private:
    std::shared_ptr<ReceiveHalf> half_;
};

/// One more stream may be opened. Gives its halves.
template <class Connection> class OpenRule : public ConnectionRule<Connection> {
public:
    using Kind = typename Connection::Kind;
    using value_type = typename Connection::Halves;
    OpenRule(std::shared_ptr<Connection> connection, Kind kind) noexcept
        : ConnectionRule<Connection>(std::move(connection)), kind_(kind) {}
    WaitList &waits() const noexcept { return this->connection_->open_waits(kind_); }
    bool available() const noexcept { return this->connection_->may_open_now(kind_); }
    Outcome<value_type> take() { return this->connection_->open_now(kind_); }

private:
    Kind kind_;
};

/// The peer has opened a stream.
template <class Connection> class AcceptRule : public ConnectionRule<Connection> {
public:
    using Kind = typename Connection::Kind;
    using value_type = typename Connection::Halves;
    AcceptRule(std::shared_ptr<Connection> connection, Kind kind) noexcept
        : ConnectionRule<Connection>(std::move(connection)), kind_(kind) {}
    WaitList &waits() const noexcept { return this->connection_->accept_waits(kind_); }
    bool available() const noexcept { return this->connection_->has_incoming(kind_); }
    Outcome<value_type> take() { return this->connection_->take_incoming(kind_); }

private:
    Kind kind_;
};

/// There is a datagram.
template <class Connection> class DatagramRule : public ConnectionRule<Connection> {
public:
    using value_type = Bytes;
    using ConnectionRule<Connection>::ConnectionRule;
    WaitList &waits() const noexcept { return this->connection_->datagram_waits(); }
    bool available() const noexcept { return this->connection_->has_datagram(); }
    Outcome<Bytes> take() { return this->connection_->take_datagram(); }
};

/// The connection is over.
template <class Connection> class ClosedRule : public ConnectionRule<Connection> {
public:
    using value_type = std::error_code;
    using ConnectionRule<Connection>::ConnectionRule;
    WaitList &waits() const noexcept { return this->connection_->closed_waits(); }
    bool available() const noexcept { return this->connection_->is_closed(); }
    Outcome<value_type> take() { return Outcome<value_type>(std::in_place, this->connection_->close_code()); }
};

}  // namespace comoq::detail
