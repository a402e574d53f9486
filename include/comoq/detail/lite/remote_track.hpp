// SPDX-License-Identifier: MIT
#pragma once
#include "../session/remote_track.hpp"
#include "asked_start.hpp"
#include "receive_frames.hpp"
#include "session_core.hpp"
#include "stream_reader.hpp"
#include "subscription_table.hpp"

#include <asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

namespace comoq::lite::detail {

/// A track of the peer's, by TRACK, SUBSCRIBE and FETCH.
class RemoteTrack final : public comoq::detail::RemoteTrackBase<SessionCore> {
public:
    using RemoteTrackBase::RemoteTrackBase;

private:
    struct Subscribed final : Asking {
        Subscribed(SubscriptionTable &table, const TrackProducer &to, const std::shared_ptr<Newest> &newest)
            : entry(std::in_place, table, to, newest) {}
        bool groups_under_way() const noexcept override { return entry->groups_under_way(); }
        void tell_leaving() noexcept override {
            entry->leave();
            entry.reset();
            if (stream != nullptr) stream->finish();
        }
        // Empty when this side has left. Kept when the peer ends the subscription: the end may overtake groups.
        std::optional<SubscriptionTable::Entry> entry;
        std::unique_ptr<SendStream> stream;  // once it is open
    };
    std::shared_ptr<Asking> make_asking() override {
        return std::make_shared<Subscribed>(core_->subscriptions, *out_, newest_);
    }
    void closed(Asking &asking) noexcept override {
        if (const auto &stream = static_cast<Subscribed &>(asking).stream) stream->finish();
    }
    asio::awaitable<void> until_complete(std::shared_ptr<Asking> asking) override {
        while (!SubscriptionTable::Entry::is_complete(*out_, asking->first_group)) {
            auto next = static_cast<Subscribed &>(*asking).entry->next_group();
            co_await std::move(next);
        }
    }

    asio::awaitable<void> ask_info() override {
        auto asked = ask_with(core_, BidiStreamType::Track, Track{path_, name_});
        auto stream = co_await std::move(asked);
        StreamReader reader(std::move(stream.receive), core_->version(), StreamUse::Request);
        const auto answer = co_await reader.expect<TrackInfoMessage>();
        // Not earlier: peers written in Rust take the end of a request that has no answer yet for a cancellation.
        stream.send->finish();
        set_info(answer.info);
    }

    class Fetched final : public comoq::detail::FetchedGroup {
    public:
        Fetched(BidiStream stream, Version version, const TrackInfo &info)
            : question_(std::move(stream.send)), reader_(std::move(stream.receive), version, StreamUse::Request), info_(info) {}
        asio::awaitable<bool> any() { return reader_.any(); }
        asio::awaitable<std::error_code> receive(GroupProducer &group) override {
            FrameReceiver receiver(reader_, info_.timescale);
            const comoq::detail::Uncounted grown;
            const auto code = co_await receiver.receive(group, grown);
            co_return code;
        }
        // As in `ask_info`.
        void finish() override { question_->finish(); }

    private:
        const std::unique_ptr<SendStream> question_;
        StreamReader reader_;
        const TrackInfo &info_;
    };
    asio::awaitable<std::unique_ptr<comoq::detail::FetchedGroup>> ask_group(std::uint64_t sequence, std::uint8_t priority) override {
        auto asked = ask_with(core_, BidiStreamType::Fetch, Fetch{path_, name_, priority, sequence});
        auto stream = co_await std::move(asked);
        auto fetched = std::make_unique<Fetched>(std::move(stream), core_->version(), info_);
        [[maybe_unused]] const bool any = co_await fetched->any();
        co_return fetched;
    }

    asio::awaitable<void> follow(std::shared_ptr<Asking> of) override {
        auto asking = std::static_pointer_cast<Subscribed>(std::move(of));
        const auto told = told_wishes(*wishes_, layout().raw_start, false);
        Subscribe message{asking->entry->id(), path_, name_, told};
        return follow(std::static_pointer_cast<RemoteTrack>(shared_from_this()), std::move(asking), std::move(message));
    }
    static asio::awaitable<void> follow(std::shared_ptr<RemoteTrack> self, std::shared_ptr<Subscribed> asking, Subscribe message) {
        auto asked = ask_with(self->core_, BidiStreamType::Subscribe, message);
        auto stream = co_await std::move(asked);
        if (!asking->entry) co_return;
        asking->stream = std::move(stream.send);
        self->happens(Life::Event::Taken);
        StreamReader reader(std::move(stream.receive), self->core_->version(), StreamUse::Subscription);
        auto replies = follow_replies(self, asking, reader);
        auto updates = pass_wishes(self, asking, message.wishes);
        co_await comoq::first_of(std::move(replies), std::move(updates));
    }

    static asio::awaitable<void> follow_replies(std::shared_ptr<RemoteTrack> self, std::shared_ptr<Subscribed> asking, StreamReader &reader) {
        bool final_is_known = false;
        while (auto type = co_await reader.varint()) {
            switch (static_cast<SubscribeReply>(*type)) {
            case SubscribeReply::Ok: {
                const auto ok = co_await reader.expect<SubscribeOk>();
                self->begins(*asking, ok.group);
                break;
            }
            case SubscribeReply::End: {
                const auto end = co_await reader.expect<SubscribeEnd>();
                declare_final(*self->out_, end.group, self->core_->layout());
                final_is_known = true;
                break;
            }
            case SubscribeReply::Drop: {
                const auto drop = co_await reader.expect<SubscribeDrop>();
                self->change_numbers([&drop](auto &numbers) { numbers.skip(drop.start, drop.end); });
                break;
            }
            default: comoq::detail::throw_error(make_error_code(Error::UnexpectedMessage));
            }
        }
        if (final_is_known) co_return;
        if (self->core_->layout().strict_end) comoq::detail::throw_error(make_error_code(Error::ProtocolViolation));
        declare_final(*self->out_, 0, self->core_->layout());
    }
    /// The peer has chosen its first group.
    void begins(Asking &asking, std::uint64_t first) {
        asking.first_group = first;
        asking.has_begun = true;
        asking.wishes_changed.set();
        // With a floor it has chosen an old one: the newest is yet to come.
        if (!asking.at_first.floor) out_->state(comoq::detail::Passkey())->find_edge(first);
        change_numbers([&](auto &numbers) {
            numbers.set_source_start(first, asking.at_first);
            // Older groups were not young enough: readers do not wait for them.
            const bool is_known = layout().raw_start && !asking.is_asked_for_more && asking.at_first.floor;
            if (is_known && is_order_kept_ && *asking.at_first.floor < first) numbers.keep_order(first);
        });
    }
    static void declare_final(TrackProducer &out, std::uint64_t first_never, const Layout &layout) {
        try {
            if (first_never == 0 && !layout.strict_end)
                out.finish();
            else
                out.finish_at(first_never);
        } catch (const std::system_error &error) {
            // An end was declared before.
            if (error.code() != Error::Closed) throw;
        }
    }

    static asio::awaitable<void> pass_wishes(std::shared_ptr<RemoteTrack> self, std::shared_ptr<Subscribed> asking, Subscription told) {
        const bool raw_start = self->layout().raw_start;
        while (true) {
            asking->wishes_changed.clear();
            const auto next = self->wishes_ ? next_told(*self->wishes_, told, raw_start, asking->has_begun) : told;
            if (next != told) {
                told = next;
                auto written = asking->stream->write(encoded(self->core_->version(), SubscribeUpdate{told, {}}));
                const auto code = co_await outcome_of(std::move(written));
                // A peer that listens no more may still answer.
                if (code) break;
                continue;
            }
            co_await asking->wishes_changed.wait();
        }
        co_await asking->left.wait();
    }

    Layout layout() const noexcept { return core_->layout(); }
};

}  // namespace comoq::lite::detail
