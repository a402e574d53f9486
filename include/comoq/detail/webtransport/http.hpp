// SPDX-License-Identifier: MIT
#pragma once
#include "../../config.hpp"
#include "../../quic/connection.hpp"
#include "../../webtransport/config.hpp"
#include "../h3/control_reader.hpp"
#include "../h3/fields.hpp"
#include "../wait/event.hpp"
#include "../wait/sync.hpp"
#include "../wait/task_group_state.hpp"
#include "exchange.hpp"

#include <asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace comoq::webtransport::detail {

/// HTTP/3 on one connection, as far as a session needs it. Used on the connection's executor, except where something else is
/// said. Its coroutines keep it alive until the connection is over.
class Http : public std::enable_shared_from_this<Http> {
public:
    Http(std::shared_ptr<quic::Connection> connection, Config config);

    /// Sends the settings, and begins to read. Then waits for the peer's settings.
    static asio::awaitable<void> begin(std::shared_ptr<Http> self);
    /// Of a server: waits for the request for a session.
    static asio::awaitable<void> requested(std::shared_ptr<Http> self);
    /// Of a client: asks for a session, and waits for the answer.
    static asio::awaitable<void> ask(std::shared_ptr<Http> self, std::vector<h3::Field> fields);

    const std::shared_ptr<quic::Connection> &connection() const noexcept { return connection_; }
    const Config &config() const noexcept { return config_; }
    /// The head, when it has come.
    const Exchange &exchange() const noexcept { return *exchange_; }
    const h3::Settings &settings() const noexcept { return *control_.settings(); }

    /// Answers the request for a session.
    void respond(unsigned status, std::string_view protocol);
    /// The session begins.
    void begin_session();
    /// Refuses it, and ends the connection.
    void reject(unsigned status, std::error_code code);
    /// Ends the connection because of the peer.
    void fail(h3::Code code, std::string_view reason, std::error_code here = make_error_code(Error::ProtocolViolation));
    /// Closes the session. Any thread.
    void close(std::uint64_t number, std::string_view reason);
    void drain();
    bool is_draining() const noexcept { return is_draining_; }
    /// Completes when nothing more can come from the peer.
    Operation<void> over() const { return over_.wait(); }
    /// How the peer closed the session. Any thread.
    std::optional<h3::SessionEnd> end() const {
        comoq::detail::Lock lock(mutex_);
        return end_;
    }

private:
    /// One more request that is being answered.
    class Counted {
    public:
        explicit Counted(std::shared_ptr<Http> http) noexcept : http_(std::move(http)) { ++http_->requests_; }
        Counted(Counted &&) noexcept = default;
        Counted &operator=(Counted &&) = delete;
        ~Counted() {
            if (http_ != nullptr) --http_->requests_;
        }

    private:
        std::shared_ptr<Http> http_;
    };

    static asio::awaitable<void> accept_streams(std::shared_ptr<Http> self);
    void take(quic::Connection::ProtocolStream stream);
    static asio::awaitable<void> read_control(std::shared_ptr<Http> self, std::unique_ptr<ReceiveStream> stream);
    static asio::awaitable<void> read_fields_stream(std::shared_ptr<Http> self, std::uint64_t type,
                                                    std::unique_ptr<ReceiveStream> stream);
    static asio::awaitable<void> serve(std::shared_ptr<Http> self, BidiStream stream, Counted);
    void answer(const h3::RequestHead &head, BidiStream &stream);
    /// The session's part of its request's stream.
    static asio::awaitable<void> read_session(std::shared_ptr<Http> self);
    /// What the capsules that have come say. False if the session is over.
    bool look_at_capsules();
    /// Those of the capsules that have come. False if the peer breaks a rule of them.
    bool raise_limits();
    /// The peer ended the session.
    void ended(const std::optional<h3::SessionEnd> &how);
    void spawn(asio::awaitable<void> work);
    static void write(SendStream &to, std::vector<std::byte> bytes);

    const std::shared_ptr<quic::Connection> connection_;
    const Config config_;
    const h3::SessionLimits own_limits_;
    h3::FieldCoder coder_;
    h3::ControlReader control_;
    std::unique_ptr<SendStream> own_control_;
    /// Control, and the two of QPACK, which the peer opens once.
    bool has_come_[4] = {};
    std::size_t requests_ = 0;
    /// The stream of the session's CONNECT.
    std::unique_ptr<Exchange> exchange_;
    BidiStream stream_;
    std::uint64_t id_ = 0;
    comoq::detail::Event has_settings_, has_head_, over_;
    comoq::detail::Atomic<bool> is_draining_ = false;
    mutable comoq::detail::Mutex mutex_;
    std::optional<h3::SessionEnd> end_;
    const std::shared_ptr<comoq::detail::TaskGroupState> tasks_;
};

}  // namespace comoq::webtransport::detail

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../../impl/detail/webtransport/http.ipp"
#endif
