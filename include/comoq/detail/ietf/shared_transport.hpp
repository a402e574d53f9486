// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "../../transport.hpp"
#include "../stream/stream_handles.hpp"
#include "../wait/failure.hpp"
#include "shared_requests.hpp"
#include "shared_rules.hpp"

#include <asio/awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::ietf::detail {

/// A transport of a draft whose requests share a stream, shown as one on which each request has a stream of its own, and SETUP and
/// GOAWAY one in each direction: the first stream that a session opens and accepts. Messages are still those of the draft, but that
/// answers need no number. Objects, datagrams, and requests that have streams of their own pass as they are.
///
/// A peer makes this side hold what its requests hold, of which it has no more than streams elsewhere; and `most_unread` bytes that
/// the session has not read, besides one message.
class SharedTransport final : public comoq::detail::StreamTransport {
public:
    using Self = std::shared_ptr<SharedTransport>;
    static constexpr std::uint64_t most_requests = 1024;
    static constexpr std::size_t most_unread = 256 * 1024, most_unsent = 64 * 1024;

    SharedTransport(std::shared_ptr<Transport> inner, Draft draft)
        : StreamTransport(inner->executor(), std::make_shared<comoq::detail::Mutex>(), inner->is_client()),
          inner_(std::move(inner)), draft_(draft), requests_(is_client(), draft, most_requests) {}

    std::string_view protocol() const noexcept override { return inner_->protocol(); }
    std::size_t max_datagram_size() const noexcept override { return inner_->max_datagram_size(); }
    void send_datagram(Bytes datagram) override { inner_->send_datagram(std::move(datagram)); }
    asio::awaitable<Bytes> receive_datagram() override { return inner_->receive_datagram(); }
    TransportStats stats() const override { return inner_->stats(); }
    void measure() override { inner_->measure(); }
    std::string end_reason() const override { return inner_->end_reason(); }
    asio::awaitable<std::error_code> closed() override { return inner_->closed(); }
    void abandon_with(std::uint64_t number) override {
        inner_->abandon_with(number);
        StreamTransport::abandon_with(number);
    }
    void close(std::uint64_t number, std::string_view reason) override {
        inner_->close(number, reason);
        StreamTransport::close(number, reason);
    }

    asio::awaitable<std::unique_ptr<SendStream>> open_uni() override {
        return std::exchange(has_opened_control_, true) ? inner_->open_uni() : StreamTransport::open_uni();
    }
    std::unique_ptr<SendStream> open_uni_now(comoq::detail::Passkey key) override { return inner_->open_uni_now(key); }
    asio::awaitable<std::unique_ptr<ReceiveStream>> accept_uni() override {
        // The session takes the next one when it has this one.
        return has_accepted_control_ ? inner_->accept_uni() : accept_control();
    }
    asio::awaitable<BidiStream> open_bidi() override {
        tell_of_wait();
        return open_shown(std::static_pointer_cast<SharedTransport>(shared_from_this()));
    }
    asio::awaitable<BidiStream> accept_bidi() override {
        return accept_shown(std::static_pointer_cast<SharedTransport>(shared_from_this()), StreamTransport::accept_bidi());
    }

    // For the rules, under the lock.

    WaitList &output_waits() noexcept { return output_waits_; }
    bool has_output() const noexcept { return is_closed() || fault_ || !output_.empty() || requests_.has_grant(); }
    Outcome<Bytes> take_output() {
        if (fault_) return fault_;
        if (is_closed()) return lost_code();
        if (output_.empty()) {
            SharedActions actions;
            requests_.grant(actions);
            for (const SharedAction &action : actions) append(action.bytes);
        }
        return Outcome<Bytes>(std::in_place, Bytes(std::exchange(output_, {})));
    }
    WaitList &request_waits() noexcept { return request_waits_; }
    WaitList &room_waits() noexcept { return room_waits_; }
    bool has_room() const noexcept { return is_closed() || unread_ < most_unread; }
    bool is_allowed(std::uint64_t id) const noexcept { return is_closed() || id < requests_.allowed(); }
    std::error_code failure() const noexcept { return is_closed() ? lost_code() : std::error_code(); }

    // For requests that have streams of their own.

    Draft draft() const noexcept { return draft_; }
    Transport &inner() const noexcept { return *inner_; }
    /// This side's: instead of the one that it would have had.
    void ask_apart(std::uint64_t id) {
        const comoq::detail::Lock lock(mutex());
        requests_.open();
        requests_.ask_apart(id);
    }
    void was_asked_apart(std::uint64_t id) {
        const comoq::detail::Lock lock(mutex());
        requests_.was_asked_apart(id);
    }
    /// The peer allows that number.
    Operation<void> until_allowed(std::uint64_t id) {
        auto self = std::static_pointer_cast<SharedTransport>(shared_from_this());
        return Operation<void>(comoq::detail::Passkey(), comoq::detail::Step(AllowedRule<SharedTransport>(std::move(self), id)));
    }
    std::error_code take_apart(std::uint64_t id, bool is_update) {
        const comoq::detail::Lock lock(mutex());
        return is_update ? requests_.take_update_apart(id) : requests_.take_apart(id);
    }
    void release_apart(std::uint64_t id) noexcept {
        comoq::detail::WakeList wake;
        const comoq::detail::Lock lock(mutex());
        requests_.release_apart(id);
        wake.take(output_waits_);
    }
    /// The peer has broken a rule. Ends the session.
    void fail(std::error_code fault) {
        comoq::detail::WakeList wake;
        const comoq::detail::Lock lock(mutex());
        if (!fault_) fault_ = fault;
        wake.take(output_waits_);
    }

private:
    friend class SharedRun;
    using Aftermath = comoq::detail::Aftermath;
    using Lock = comoq::detail::Lock;
    using Bidis = std::vector<BidiStream>;

    /// Both halves of what seems to be a stream.
    struct Stream : comoq::detail::SendHalf {
        struct Reader : comoq::detail::ReceiveHalf {
            std::weak_ptr<Stream> stream;
        };
        std::optional<std::uint64_t> id;
        bool is_control = false, is_promised = false, is_behind = false, is_left = false;
        /// What the session has written of an unfinished message.
        std::vector<std::byte> unsorted;
        std::shared_ptr<Reader> reader;
        /// The stream of the peer's that is to be accepted in place of this one, and what has been read of it.
        BidiStream apart;
        Bytes early;
    };
    using StreamPtr = std::shared_ptr<Stream>;

    static StreamPtr make_stream() {
        auto stream = std::make_shared<Stream>();
        stream->reader = std::make_shared<Stream::Reader>();
        stream->reader->stream = stream;
        return stream;
    }

    // The session's acts, under the lock.

    bool may_open(Kind kind) const noexcept override {
        return kind == Kind::Uni || (requests_.may_open() && output_.size() < most_unsent);
    }
    Halves open(Kind kind) override {
        auto stream = make_stream();
        stream->is_control = kind == Kind::Uni;
        stream->is_promised = kind == Kind::Bidi;
        if (stream->is_promised) requests_.open();
        return Halves{stream, stream->reader};
    }
    void send_changed(comoq::detail::SendHalf &half, Aftermath &after) override { sort(static_cast<Stream &>(half), after); }
    void reset_wanted(comoq::detail::SendHalf &half, std::uint64_t number, Aftermath &after) override {
        auto &stream = static_cast<Stream &>(half);
        give_up(stream, after);
        if (!stream.id) return;
        SharedActions actions;
        requests_.reset(*stream.id, number, actions);
        act(actions, after);
        forget(*stream.id);
    }
    void consumed(comoq::detail::ReceiveHalf &, std::size_t count, Aftermath &after) override {
        unread_ -= std::min(unread_, count);
        if (has_room()) after.wake.take(room_waits_);
    }
    void stop_wanted(comoq::detail::ReceiveHalf &half, bool, std::uint64_t number, Aftermath &after) override {
        const auto stream = static_cast<Stream::Reader &>(half).stream.lock();
        if (stream == nullptr || !stream->id) return;
        SharedActions actions;
        requests_.stop(*stream->id, number, actions);
        act(actions, after);
        forget(*stream->id);
    }
    void datagram_wanted(Bytes &, Aftermath &) override {}
    void close_wanted(std::uint64_t, std::string_view, Aftermath &) override {}
    void fail_streams(std::error_code code, Aftermath &after) override {
        for (const auto &[id, stream] : streams_) {
            stream->SendHalf::fail(code, after);
            stream->reader->fail(code, after.wake);
        }
        if (peers_control_ != nullptr) peers_control_->fail(code, after.wake);
        streams_.clear();
        behind_.clear();
        for (WaitList *waits : {&output_waits_, &room_waits_, &request_waits_}) after.wake.take(*waits);
    }

    void give_up(Stream &stream, Aftermath &after) {
        if (!std::exchange(stream.is_promised, false)) return;
        requests_.give_up();
        let_one_open(after);
    }
    void let_one_open(Aftermath &after) {
        if (may_open(Kind::Bidi)) after.wake.take_one(request_waits_);
    }
    void forget(std::uint64_t id) {
        if (!requests_.has(id)) streams_.erase(id);
    }
    /// What the session has written goes its way, when there is room for it.
    void sort(Stream &stream, Aftermath &after) {
        if (stream.id && output_.size() >= most_unsent) {
            if (!std::exchange(stream.is_behind, true)) behind_.push_back(*stream.id);
            return;
        }
        const auto keep = [&](std::span<const std::byte> part, Bytes &&owner) {
            stream.unsorted.insert(stream.unsorted.end(), part.begin(), part.end());
            after.drop(std::move(owner));
        };
        stream.take(stream.pending(), keep, after.wake);
        SharedActions actions;
        std::size_t sorted = 0;
        while (const auto message = next_message(std::span<const std::byte>(stream.unsorted).subspan(sorted), draft_)) {
            sorted += message->size;
            sort(stream, *message, actions);
        }
        stream.unsorted.erase(stream.unsorted.begin(), stream.unsorted.begin() + static_cast<std::ptrdiff_t>(sorted));
        if (stream.finished() && !std::exchange(stream.is_left, true)) {
            give_up(stream, after);
            if (stream.id) requests_.finish(*stream.id, actions);
        }
        act(actions, after);
        if (stream.id) forget(*stream.id);
    }
    void sort(Stream &stream, const FramedMessage &message, SharedActions &actions) {
        if (stream.is_control) return requests_.say(message, actions);
        if (stream.id) return requests_.write(*stream.id, message, actions);
        if (std::exchange(stream.is_promised, false) == false) return;
        stream.id = requests_.ask(message, actions);
        if (const auto own = stream.reader->stream.lock()) streams_.emplace(*stream.id, own);
    }
    void act(SharedActions &actions, Aftermath &after) {
        for (SharedAction &action : actions) act(action, after);
        // What ended may have left credit behind.
        if (has_output()) after.wake.take(output_waits_);
    }
    void act(SharedAction &action, Aftermath &after) {
        using Do = SharedAction::Kind;
        switch (action.kind) {
        case Do::Send: return append(action.bytes);
        case Do::Allow: may_open_more(Kind::Bidi, after); return let_one_open(after);
        case Do::Session: return give_session(action.bytes, after);
        case Do::Begin: {
            auto stream = make_stream();
            stream->id = action.request;
            streams_.emplace(action.request, stream);
            give(*stream->reader, action.bytes, after);
            return arrived(Kind::Bidi, Halves{stream, stream->reader}, after);
        }
        default: break;
        }
        const auto found = streams_.find(action.request);
        if (found == streams_.end()) return;
        const StreamPtr stream = found->second;
        if (action.kind == Do::Give) return give(*stream->reader, action.bytes, after);
        if (action.kind == Do::End) return stream->reader->end(after.wake);
        stream->SendHalf::fail(stream_ended(cancelled), after);
        unread_ -= std::min(unread_, stream->reader->reset(stream_ended(cancelled), after.wake));
        forget(action.request);
    }
    void append(const std::vector<std::byte> &bytes) { output_.insert(output_.end(), bytes.begin(), bytes.end()); }
    void give(comoq::detail::ReceiveHalf &reader, const std::vector<std::byte> &bytes, Aftermath &after) {
        if (reader.push(bytes, after.wake)) unread_ += bytes.size();
    }
    void give_session(const std::vector<std::byte> &bytes, Aftermath &after) {
        const bool is_first = peers_control_ == nullptr;
        if (is_first) peers_control_ = std::make_shared<Stream::Reader>();
        give(*peers_control_, bytes, after);
        if (is_first) arrived(Kind::Uni, Halves{nullptr, peers_control_}, after);
    }

    // How streams are opened and accepted, and what `SharedRun` does.

    /// A request of this side's may have a stream of its own, and so may one of the peer's.
    BidiStream shown(BidiStream plain);
    BidiStream shown_accepted(BidiStream plain);
    static asio::awaitable<BidiStream> open_shown(Self self) {
        auto halves = co_await self->one_more();
        try {
            co_return self->shown(BidiStream(std::make_unique<comoq::detail::SendHandle>(self, halves.send),
                                             std::make_unique<comoq::detail::ReceiveHandle>(self, halves.receive)));
        } catch (...) {
            // It has no handle that would end it.
            self->abandon(*halves.send);
            throw;
        }
    }
    Operation<Halves> one_more() {
        auto self = std::static_pointer_cast<SharedTransport>(shared_from_this());
        return Operation<Halves>(comoq::detail::Passkey(), comoq::detail::Step(RequestRule<SharedTransport>(std::move(self))));
    }
    static asio::awaitable<BidiStream> accept_shown(Self self, asio::awaitable<BidiStream> coming) {
        co_return self->shown_accepted(co_await std::move(coming));
    }
    void tell_of_wait() {
        Aftermath after;
        const Lock lock(mutex());
        SharedActions actions;
        if (!is_closed()) requests_.wait_for_credit(actions);
        act(actions, after);
    }
    asio::awaitable<std::unique_ptr<ReceiveStream>> accept_control() {
        const auto self = std::static_pointer_cast<SharedTransport>(shared_from_this());
        return accept_control(self, StreamTransport::accept_uni());
    }
    static asio::awaitable<std::unique_ptr<ReceiveStream>> accept_control(Self self,
                                                                          asio::awaitable<std::unique_ptr<ReceiveStream>> coming) {
        auto control = co_await std::move(coming);
        self->has_accepted_control_ = true;
        co_return control;
    }
    /// A message of the peer's. The code is what ends the session.
    std::error_code take(const FramedMessage &message) {
        Aftermath after;
        const Lock lock(mutex());
        SharedActions actions;
        if (const auto code = requests_.take(message, actions)) return code;
        act(actions, after);
        return {};
    }
    /// There is room again.
    void catch_up() {
        Aftermath after;
        const Lock lock(mutex());
        for (const std::uint64_t id : std::exchange(behind_, {})) {
            const auto found = streams_.find(id);
            if (found == streams_.end()) continue;
            const StreamPtr stream = found->second;
            stream->is_behind = false;
            sort(*stream, after);
        }
        let_one_open(after);
    }
    /// A stream of the peer's for one request, and what has been read of it.
    void take(BidiStream &&apart, Bytes early) {
        auto stream = make_stream();
        stream->apart = std::move(apart);
        stream->early = std::move(early);
        Aftermath after;
        const Lock lock(mutex());
        if (!is_closed()) arrived(Kind::Bidi, Halves{stream, stream->reader}, after);
    }
    Operation<Bytes> output() {
        auto self = std::static_pointer_cast<SharedTransport>(shared_from_this());
        return Operation<Bytes>(comoq::detail::Passkey(), comoq::detail::Step(OutputRule<SharedTransport>(std::move(self))));
    }
    Operation<void> has_room_soon() {
        auto self = std::static_pointer_cast<SharedTransport>(shared_from_this());
        return Operation<void>(comoq::detail::Passkey(), comoq::detail::Step(RoomRule<SharedTransport>(std::move(self))));
    }

    const std::shared_ptr<Transport> inner_;
    const Draft draft_;
    SharedRequests requests_;
    std::map<std::uint64_t, StreamPtr> streams_;
    /// Those whose session has written more than there was room for.
    std::vector<std::uint64_t> behind_;
    std::shared_ptr<Stream::Reader> peers_control_;
    std::vector<std::byte> output_;
    std::size_t unread_ = 0;
    std::error_code fault_;
    WaitList output_waits_, room_waits_, request_waits_;
    bool has_opened_control_ = false, has_accepted_control_ = false;
};

}  // namespace comoq::ietf::detail
