// SPDX-License-Identifier: MIT
#pragma once
#include "../wait/outcome.hpp"
#include "receive_half.hpp"
#include "send_half.hpp"
#include "../wait/sync.hpp"
#include "../wait/waiter.hpp"
#include "../../bytes.hpp"
#include "../../error.hpp"
#include "../../transport.hpp"

#include <memory>
#include <system_error>
#include <utility>

namespace comoq::detail {

// The waits at a connection and its streams, as rules for Step. `Connection` has `mutex()`, and the functions that each
// rule calls.

template <class Connection> class ConnectionRule {
public:
    explicit ConnectionRule(std::shared_ptr<Connection> connection) noexcept : connection_(std::move(connection)) {}
    Mutex &mutex() const noexcept { return connection_->mutex(); }

protected:
    std::shared_ptr<Connection> connection_;
};

/// The stream can take more. A write after the end `is_refused`.
template <class Connection> class WritableRule : public ConnectionRule<Connection> {
public:
    using value_type = void;
    WritableRule(std::shared_ptr<Connection> connection, std::shared_ptr<SendHalf> half, bool is_refused) noexcept
        : ConnectionRule<Connection>(std::move(connection)), half_(std::move(half)), is_refused_(is_refused) {}
    WaitList &waits() const noexcept { return half_->write_waits(); }
    bool available() const noexcept { return half_->can_take_more() || half_->finished(); }
    Outcome<void> take() {
        if (is_refused_ && !half_->over()) return make_error_code(Error::Closed);
        return half_->failure();
    }

private:
    std::shared_ptr<SendHalf> half_;
    bool is_refused_;
};

/// Everything written to the stream so far has been sent.
template <class Connection> class DrainedRule : public ConnectionRule<Connection> {
public:
    using value_type = void;
    DrainedRule(std::shared_ptr<Connection> connection, std::shared_ptr<SendHalf> half) noexcept
        : ConnectionRule<Connection>(std::move(connection)), half_(std::move(half)) {}
    WaitList &waits() const noexcept { return half_->write_waits(); }
    bool available() const noexcept { return half_->over() || half_->pending() == 0; }
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

/// Nobody reads the stream any more, because of a failure or because all of it has been sent.
template <class Connection> class StoppedRule : public ConnectionRule<Connection> {
public:
    using value_type = std::error_code;
    StoppedRule(std::shared_ptr<Connection> connection, std::shared_ptr<SendHalf> half) noexcept
        : ConnectionRule<Connection>(std::move(connection)), half_(std::move(half)) {}
    WaitList &waits() const noexcept { return half_->stop_waits(); }
    bool available() const noexcept { return half_->over() || half_->is_complete(); }
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

/// One more stream may be opened. Returns its halves.
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
