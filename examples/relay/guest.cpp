#include "guest.hpp"

#include "log.hpp"

#include <comoq/task_group.hpp>

#include <asio/bind_executor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace {

using asio::awaitable;
using namespace std::chrono_literals;

// How long a client may take to say what it wants.
constexpr auto longest_silence = 10s;

}  // namespace

void Guest::ask_to_leave() {
    std::lock_guard lock(mutex_);
    if (close_session() || !executor_) {
        return;
    }
    asio::post(executor_, [self = shared_from_this()] {
        if (self->socket_ != nullptr) {
            std::error_code ignored;
            self->socket_->close(ignored);
            return;
        }
        // It has become a session meanwhile, or is gone.
        std::lock_guard lock_again(self->mutex_);
        self->close_session();
    });
}

void Guest::send_away(std::chrono::milliseconds within) {
    {
        std::lock_guard lock(mutex_);
        if (session_ != nullptr) {
            session_->drain(within);
            return;
        }
    }
    ask_to_leave();
}

void Guest::expire() {
    // The number of either protocol for a client that is not authorized.
    constexpr std::uint64_t unauthorized = 2;
    std::lock_guard lock(mutex_);
    if (transport_ != nullptr) {
        transport_->close(unauthorized, "the authorization has ended");
    }
}

// Under the lock. False if there is none.
bool Guest::close_session() {
    if (transport_ == nullptr) {
        return false;
    }
    transport_->close(0, "the relay shuts down");
    return true;
}

comoq::TransportStats Guest::stats() const {
    std::lock_guard lock(mutex_);
    return transport_ == nullptr ? comoq::TransportStats{} : transport_->stats();
}

// A guest's places, which are given back however its service ends.
class Guest::Stay {
public:
    explicit Stay(Guest &of) noexcept : of_(of) {}
    Stay(const Stay &) = delete;
    Stay &operator=(const Stay &) = delete;
    ~Stay() {
        of_.house_.guests.leave(of_);
        of_.places_ = {};
        // It keeps the guest, if no session has taken it.
        of_.config_ = {};
    }

private:
    Guest &of_;
};

// On the connection's executor, which one thread runs. Throws nothing. Its places are taken until a service knows of its end, too.
awaitable<void> Guest::serve_and_log(std::shared_ptr<Guest> self, awaitable<void> service) {
    const Stay stay(*self);
    try {
        co_await std::move(service);
    } catch (const std::system_error &error) {
        self->log_.failed(error.code().message(), Level::Debug);
    } catch (const std::exception &error) {
        self->log_.failed(error.what(), Level::Error);
    }
    try {
        auto ending = self->end_grant();
        co_await std::move(ending);
    } catch (const std::exception &error) {
        self->log_.failed(error.what(), Level::Error);
    }
}

// False if there is not a place for it.
bool Guest::enter(const asio::ip::tcp::endpoint &from, const asio::any_io_executor &executor) {
    log_.came_from(from);
    {
        std::lock_guard lock(mutex_);
        executor_ = executor;
    }
    places_ = house_.sources.enter(from.address());
    if (!places_) {
        house_.guests.turned_away();
        log_.refused("too many of one address");
        return false;
    }
    if (!house_.guests.enter(shared_from_this())) {
        log_.refused("too many are connected", Level::Warning);
        return false;
    }
    return true;
}

// What the client has asked for, in its URL or in SETUP, decides what it may see and do.
awaitable<comoq::lite::SessionViews> Guest::decide(std::shared_ptr<Guest> self, std::string target) {
    self->log_.asks_for(target);
    auto admitting = self->admit(std::move(target), self->kind_);
    auto admission = co_await std::move(admitting);
    if (!admission.views) {
        self->log_.is_refused(admission.reason);
        throw std::system_error(make_error_code(comoq::Error::Unauthorized));
    }
    if (admission.expires) {
        self->house_.guests.may_stay(*self, *admission.expires);
    }
    co_return std::move(*admission.views);
}

void Guest::configure() {
    config_.publish = house_.origin.consumer();
    config_.subscribe = house_.origin.producer();
    config_.authorize = [self = shared_from_this()](const comoq::lite::Setup &setup, const comoq::Transport &) {
        return decide(self, setup.path.value_or(""));
    };
    config_.name = log_.peer();
    config_.on_event = [self = shared_from_this()](const comoq::lite::SessionEvent &event) {
        self->house_.count(event);
        self->log_.happened(event);
    };
    config_.announcements_left = house_.announcements_left;
    config_.max_announced = house_.options.max_announced;
    config_.max_requested = house_.options.max_requested;
    config_.max_waiting = house_.options.max_waiting;
    config_.max_newest_bytes = house_.options.newest_mib << 20;
}

// Over TCP alone, the protocol is known when the client has said which ones it speaks; the draft of qmux has no name.
void Guest::note_protocol() {
    const auto protocol = transport_->protocol();
    if (log_.protocol().empty() && !protocol.empty()) {
        log_.speaks(std::string(protocol));
    }
}

void Guest::set_session(const comoq::Session *session) {
    std::lock_guard lock(mutex_);
    session_ = session;
}

std::size_t Guest::announcements_left_out() const {
    std::lock_guard lock(mutex_);
    return session_ == nullptr ? 0 : session_->announcements_left_out();
}

std::size_t Guest::announcements_not_told() const {
    std::lock_guard lock(mutex_);
    return session_ == nullptr ? 0 : session_->announcements_not_told();
}

// Shows the session to the counters while it exists.
class Guest::ShownSession {
public:
    ShownSession(Guest &guest, const comoq::Session &session) : guest_(guest) { guest_.set_session(&session); }
    ShownSession(const ShownSession &) = delete;
    ShownSession &operator=(const ShownSession &) = delete;
    ~ShownSession() { guest_.set_session(nullptr); }

private:
    Guest &guest_;
};

awaitable<void> Guest::serve_session() {
    configure();
    comoq::Session session(transport_, std::move(config_));
    std::optional<ShownSession> shown(std::in_place, *this, session);
    asio::steady_timer timer(co_await asio::this_coro::executor, longest_silence);
    timer.async_wait([greeting = session.greeted(), transport = transport_](std::error_code cancelled) {
        if (!cancelled && !greeting.ready()) {
            // The number of either protocol for a timeout: the session reads it as the peer does.
            constexpr std::uint64_t timeout = 0x11;
            transport->close(timeout, "no SETUP came");
        }
    });
    const auto greeted = [self = shared_from_this()](std::error_code failed) {
        if (!failed) {
            self->places_.greeted();
        }
    };
    session.greeted().async_wait(asio::bind_executor(timer.get_executor(), greeted));
    const auto admitted = [self = shared_from_this()](std::error_code failed) {
        if (!failed) {
            self->note_protocol();
            self->log_.opened();
        }
    };
    session.admitted().async_wait(asio::bind_executor(timer.get_executor(), admitted));
    comoq::TaskGroup renewals(timer.get_executor());
    if (house_.service) {
        // It ends with the session, and what fails of it ends nothing else.
        renewals.spawn(keep_grant(shared_from_this(), session.admitted()), [](const std::exception_ptr &) {});
    }
    const std::error_code code = co_await session.closed();
    renewals.cancel();
    shown.reset();
    timer.cancel();
    note_protocol();
    log_.closed(code, qmux_ != nullptr ? qmux_->channel_end() : std::error_code(), transport_->stats());
    co_await session.done();
    co_await renewals.idle();
    if (qmux_ != nullptr) {
        co_await qmux_->done();
    }
}
