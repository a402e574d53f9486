// SPDX-License-Identifier: MIT
#pragma once
#include "probe_reports.hpp"
#include "send_frames.hpp"
#include "serve_announce.hpp"
#include "serve_subscribe.hpp"
#include "session_core.hpp"
#include "stream_reader.hpp"

#include <asio/awaitable.hpp>
#include <asio/error.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace comoq::lite::detail {

/// Answers one bidirectional stream that the peer has opened. A request that cannot be served resets that stream, and
/// nothing else.
class StreamServer {
public:
    static asio::awaitable<void> serve(std::shared_ptr<SessionCore> core, BidiStream stream) {
        const comoq::detail::Counted counted(core->streams);
        auto self = std::make_shared<StreamServer>(core, std::move(stream));
        const auto code = co_await outcome_of(answer(self));
        if (!code) co_return;
        self->report_refusal(code);
        self->reader_.stop(code);
        if (self->send_ != nullptr) self->core_->reset(*self->send_, code, StreamUse::Request);
    }

    StreamServer(std::shared_ptr<SessionCore> core, BidiStream stream)
        : core_(std::move(core)), reader_(std::move(stream.receive), core_->version(), StreamUse::Request),
          send_(std::move(stream.send)) {}

private:
    using Self = std::shared_ptr<StreamServer>;

    static asio::awaitable<void> answer(Self self) {
        // The peer's identity decides what it may see.
        co_await self->core_->admitted.wait();
        const auto type = co_await self->reader_.varint();
        if (!type) co_return;
        switch (static_cast<BidiStreamType>(*type)) {
        case BidiStreamType::Announce: co_await announce(self); break;
        case BidiStreamType::Subscribe: co_await subscribe(self); break;
        case BidiStreamType::Fetch: co_await fetch(self); break;
        case BidiStreamType::Track: co_await track(self); break;
        case BidiStreamType::Probe: co_await probe(self); break;
        case BidiStreamType::Goaway: co_await goaway(self); break;
        default: comoq::detail::throw_error(make_error_code(Error::UnexpectedStream));
        }
    }

    /// Works until it is done, or the peer does not want it any more, as `leaving` tells.
    static asio::awaitable<void> work_until(Self self, asio::awaitable<void> work, asio::awaitable<void> leaving) {
        co_await comoq::first_of(std::move(work), std::move(leaving));
        self->send_->finish();
    }
    /// For a stream on which the peer's end means that it is done asking.
    static asio::awaitable<void> until_unwanted(Self self) {
        try {
            co_await comoq::first_of(until_stopped(self), until_reset(self));
        } catch (const std::system_error &error) {
            self->has_left_ = error.code() != asio::error::operation_aborted;
            throw;
        }
    }
    static asio::awaitable<void> until_stopped(Self self) {
        const auto code = co_await self->send_->stopped();
        comoq::detail::throw_error(code);
    }
    static asio::awaitable<void> until_reset(Self self) {
        co_await self->reader_.expect_end();
        co_await until_stopped(self);
    }
    /// For a stream on which the peer's end means that it leaves.
    static asio::awaitable<void> until_left(Self self) {
        co_await comoq::first_of(self->reader_.expect_end(), until_stopped(self));
    }

    static asio::awaitable<void> announce(Self self) {
        auto request = co_await self->reader_.expect<AnnounceRequest>();
        auto serving = AnnounceServer::serve(self->core_, std::move(request), *self->send_);
        const auto code = co_await outcome_of(work_until(self, std::move(serving), until_left(self)));
        // A peer that is not told of changes any more would not notice.
        if (code == std::errc::not_enough_memory) self->core_->close(code, "ANNOUNCE");
        if (code) comoq::detail::throw_error(code);
    }

    static asio::awaitable<void> subscribe(Self self) {
        auto request = co_await self->reader_.expect<Subscribe>();
        auto server = std::make_shared<SubscribeServer>(self->core_, std::move(request), std::move(self->send_));
        co_await SubscribeServer::serve(std::move(server), self->reader_);
    }

    static asio::awaitable<void> fetch(Self self) {
        auto request = co_await self->reader_.expect<Fetch>();
        self->note(request.broadcast, request.track);
        SendOrder order;
        order.priority = request.priority;
        order.flow = self->core_->next_flow++;
        co_await work_until(self, send_fetched(self, std::move(request), order), until_unwanted(self));
    }
    static asio::awaitable<void> send_fetched(Self self, Fetch request, SendOrder order) {
        auto &core = *self->core_;
        comoq::detail::GroupOutbox::Account account;
        comoq::detail::GroupOutbox::Item item(core.outbox, account, order);
        item.use(*self->send_);
        const auto source = co_await self->core_->request(request.broadcast);
        comoq::Fetch how;
        how.priority = request.priority;
        how.asker = core.via;
        auto fetching = source.track(request.track).fetch_group(request.group, how);
        auto group = co_await core.resolver.in_time<GroupConsumer>(std::move(fetching));
        // The answer does not say where it begins, nor that it is not the whole.
        if (group.info().is_partial) comoq::detail::throw_error(make_error_code(Error::Lagged));
        if (core.layout().frame_bounds &&
            !group.skip_to(comoq::detail::Passkey(), static_cast<std::size_t>(request.frames.first)))
            comoq::detail::throw_error(make_error_code(Error::Lagged));
        self->question_.reset();
        FrameSender sender(item);
        co_await sender.send(group, count_of(request.frames));
    }

    static asio::awaitable<void> track(Self self) {
        auto request = co_await self->reader_.expect<Track>();
        self->note(request.broadcast, request.track);
        co_await work_until(self, send_info(self, std::move(request)), until_unwanted(self));
    }
    static asio::awaitable<void> send_info(Self self, Track request) {
        const auto source = co_await self->core_->request(request.broadcast);
        TrackInfoMessage message;
        auto asking = source.track(request.track).info();
        message.info = co_await self->core_->resolver.in_time<TrackInfo>(std::move(asking));
        SessionCore::await_subscription(self->core_, source);
        auto written = self->send_->write(encoded(self->core_->version(), message));
        co_await std::move(written);
    }

    /// What the peer asks for, which the report of a refusal names: not all of a long name, because the request holds it,
    /// too.
    void note(const std::string &broadcast, const std::string &track) {
        constexpr std::size_t longest = 1024;
        if (core_->has_observer()) question_.emplace(broadcast.substr(0, longest), track.substr(0, longest));
    }
    void report_refusal(std::error_code code) const {
        if (question_ && !has_left_ && !core_->ended.peek() && code != asio::error::operation_aborted)
            core_->report(SessionEvent::Kind::Refused, question_->first, question_->second, code);
    }

    static asio::awaitable<void> probe(Self self) {
        if (!self->core_->measures) comoq::detail::throw_error(make_error_code(Error::Unsupported));
        co_await work_until(self, send_probes(self), follow_targets(self));
    }
    /// This side ignores the peer's target bitrate, but the peer may send it.
    static asio::awaitable<void> read_targets(Self self) {
        while ([[maybe_unused]] const auto target = co_await self->reader_.message<Probe>()) {
        }
    }
    static asio::awaitable<void> follow_targets(Self self) {
        co_await comoq::first_of(read_targets(self), until_stopped(self));
    }
    static asio::awaitable<void> send_probes(Self self) {
        ProbeReports reports(self->core_->layout().unknown_rate);
        ProbeReports::Time silence(0);
        while (true) {
            const Probe now = self->core_->measured();
            if (reports.is_due(now, silence)) {
                auto written = self->send_->write(encoded(self->core_->version(), now));
                co_await std::move(written);
                silence = ProbeReports::Time(0);
            }
            co_await self->core_->sleep(ProbeReports::interval);
            silence += ProbeReports::interval;
        }
    }

    static asio::awaitable<void> goaway(Self self) {
        auto request = co_await self->reader_.expect<Goaway>();
        co_await self->reader_.expect_end();
        if (self->core_->goaway.peek()) {
            self->core_->close(make_error_code(Error::ProtocolViolation), "GOAWAY");
            co_return;
        }
        self->core_->below.reset();
        try {
            self->core_->requested.leave();
            self->core_->goaway.set(std::move(request.uri));
            self->send_->finish();
            for (const auto &act : self->core_->when_told_to_go) act();
        } catch (const std::bad_alloc &) {
            self->core_->close(std::make_error_code(std::errc::not_enough_memory), "GOAWAY");
        }
    }

    const std::shared_ptr<SessionCore> core_;
    StreamReader reader_;
    std::unique_ptr<SendStream> send_;
    std::optional<std::pair<std::string, std::string>> question_;
    bool has_left_ = false;
};

}  // namespace comoq::lite::detail
