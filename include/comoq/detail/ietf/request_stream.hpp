// SPDX-License-Identifier: MIT
#pragma once
#include "../../first_of.hpp"
#include "session_core.hpp"
#include "stream_reader.hpp"
#include "told_routes.hpp"

#include <asio/awaitable.hpp>
#include <asio/error.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace comoq::ietf::detail {

/// The stream of one request of the peer's. Its first answer is one OK or one REQUEST_ERROR.
class RequestStream {
public:
    using Self = std::shared_ptr<RequestStream>;

    RequestStream(std::shared_ptr<SessionCore> session, BidiStream stream)
        : core(std::move(session)), reader(std::move(stream.receive), core->draft()), send(std::move(stream.send)) {}
    RequestStream(const RequestStream &) = delete;
    RequestStream &operator=(const RequestStream &) = delete;

    const std::shared_ptr<SessionCore> core;
    StreamReader reader;
    const std::unique_ptr<SendStream> send;
    /// Its updates may tell another route.
    bool takes_routes = false;

    bool is_answered() const noexcept { return is_answered_; }
    /// The peer has left before it was answered, or before everything was done.
    bool has_left() const noexcept { return has_left_; }
    /// The connection has failed, and the session is about to hear of it.
    bool is_lost() const noexcept { return is_lost_ || reader.is_lost(); }

    template <class Message> asio::awaitable<void> answer(const Message &message) {
        std::vector<std::byte> bytes;
        encode(message, core->draft(), StreamKind::Request, bytes);
        for (auto left = std::exchange(early_updates_, 0); left != 0; --left)
            encode(refused_update(), core->draft(), StreamKind::Request, bytes);
        Bytes all(std::move(bytes));
        is_answered_ = true;
        return send->write(std::move(all));
    }
    /// Says no, and nothing more: a reset could overtake it.
    void refuse(std::error_code code) {
        if (is_answered_) return;
        RequestError no;
        no.code = request_number(code);
        // A redirect needs an address, and a relay has none to pass on.
        if (no.code == RequestError::redirect_code) no.code = request_number(make_error_code(Error::Unsupported));
        auto bytes = core->encoded(no);
        is_answered_ = true;
        // The call takes it, and nothing waits for it.
        [[maybe_unused]] const auto written = send->write(std::move(bytes));
        send->finish();
    }

    static RequestError refused_update() {
        RequestError no;
        no.code = request_number(make_error_code(Error::Unsupported));
        return no;
    }

    /// What the peer asks for, which the report of a refusal names: not all of a long name, because the request holds it, too.
    void note(std::string_view path, std::string_view track) {
        constexpr std::size_t longest = 1024;
        if (core->has_observer()) question_.emplace(path.substr(0, longest), track.substr(0, longest));
    }
    void forget_question() noexcept { question_.reset(); }
    void report_refusal(std::error_code code) const {
        if (question_ && !has_left_ && !core->ended.peek() && code != asio::error::operation_aborted)
            core->report(SessionEvent::Kind::Refused, question_->first, question_->second, code);
    }

    /// Works until it is done, or the peer does not want it any more.
    static asio::awaitable<void> work_while_wanted(Self self, asio::awaitable<void> work) {
        auto leaving = until_unwanted(self);
        co_await comoq::first_of(std::move(work), std::move(leaving));
    }
    /// Runs until the peer has stopped or reset the stream. Its updates change nothing, and are answered.
    static asio::awaitable<void> until_unwanted(Self self) {
        try {
            auto reset = follow_to_the_reset(self);
            auto stopped = until_stopped(self);
            co_await comoq::first_of(std::move(reset), std::move(stopped));
        } catch (const std::system_error &error) {
            self->has_left_ = error.code() != asio::error::operation_aborted && !self->reader.fault();
            throw;
        }
    }
    static asio::awaitable<void> until_stopped(Self self) {
        const auto code = co_await self->send->stopped();
        self->has_left_ = true;
        self->is_lost_ = is_loss(code);
        comoq::detail::throw_error(code ? self->core->meaning(code) : make_error_code(Error::Cancelled));
    }
    /// Runs until the peer has ended its half in any way.
    static asio::awaitable<void> until_left(Self self) { return until_left(self, follow(self)); }
    /// The same, where `following` reads the peer's updates, to the end of its half.
    static asio::awaitable<void> until_left(Self self, asio::awaitable<void> ending) {
        auto stopped = until_stopped(self);
        co_await comoq::first_of(std::move(ending), std::move(stopped));
        self->has_left_ = true;
    }

    /// The next update of the peer's; nothing at the end of its half.
    asio::awaitable<std::optional<RequestUpdate>> next_update() {
        auto message = co_await reader.message(StreamKind::Request);
        if (!message) co_return std::nullopt;
        auto *const update = std::get_if<RequestUpdate>(&*message);
        if (update == nullptr) reader.refuse(CloseCode::ProtocolViolation);
        if (!core->request_ids.take(update->request_id)) reader.refuse(make_code(SessionFault::InvalidRequestId));
        if (has_route(update->parameters) && !takes_routes) reader.refuse(CloseCode::ProtocolViolation);
        co_return std::move(*update);
    }

private:
    static asio::awaitable<void> follow_to_the_reset(Self self) {
        co_await follow(self);
        co_await until_stopped(self);
    }
    static asio::awaitable<void> follow(Self self) {
        while (true) {
            auto coming = self->next_update();
            const auto update = co_await std::move(coming);
            if (!update) break;
            // The first answer is that to the request.
            if (!self->is_answered_) {
                ++self->early_updates_;
                continue;
            }
            auto written = self->send->write(self->core->encoded(refused_update()));
            co_await std::move(written);
        }
    }

    std::optional<std::pair<std::string, std::string>> question_;
    // Updates that came before the request was answered: what answers them is a part of what the peer has sent.
    std::uint64_t early_updates_ = 0;
    bool is_answered_ = false;
    bool has_left_ = false;
    bool is_lost_ = false;
};

/// The broadcast that the peer means, as a path. A namespace that no path has is not here, and neither are the tracks of a
/// session itself.
inline std::string asked_path(const Namespace &space) {
    auto path = path_of(space);
    if (!path || (!space.empty() && space.front() == ".session")) comoq::detail::throw_error(make_error_code(Error::NotFound));
    return std::move(*path);
}

/// Goes to the first object of a group with that number or a higher one, which may still be to come. False if there is none, or
/// if what was there has gone. At the beginning of a group nothing is waited for.
inline asio::awaitable<bool> find_object(GroupConsumer &group, std::uint64_t wanted) {
    constexpr comoq::detail::Passkey key;
    if (!group.skip_to_object(key, wanted)) co_return false;
    if (wanted == 0) co_return true;
    while (true) {
        auto there = group.frame_there(key);
        co_await std::move(there);
        // What has come may be below it.
        if (!group.skip_to_object(key, wanted)) co_return false;
        if (group.frame_there(key).ready()) break;
    }
    auto copy = group;
    const auto next = copy.try_next_frame();
    co_return !next.is_end();
}

/// The largest place of a track, in the words of the wire.
inline std::optional<Location> largest_of(const std::optional<comoq::Location> &place) noexcept {
    return place ? std::optional(Location{place->group, place->object}) : std::nullopt;
}

}  // namespace comoq::ietf::detail
