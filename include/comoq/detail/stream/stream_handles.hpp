// SPDX-License-Identifier: MIT
#pragma once
#include "../../operation.hpp"
#include "../../transport.hpp"
#include "../wait/mapped_source.hpp"
#include "../wait/passkey.hpp"
#include "../wait/step.hpp"
#include "stream_rules.hpp"
#include "stream_transport.hpp"

#include <asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// The application's handle of the writing half.
class SendHandle final : public SendStream {
public:
    SendHandle(std::shared_ptr<StreamTransport> transport, std::shared_ptr<SendHalf> half) noexcept
        : transport_(std::move(transport)), half_(std::move(half)) {}
    ~SendHandle() override { transport_->abandon(*half_); }

    SendHalf &half() const noexcept { return *half_; }

    asio::awaitable<void> write(std::span<const std::byte> head, Bytes payload) override {
        const bool is_refused = !transport_->write(*half_, head, std::move(payload));
        return Operation<void>(Passkey(), Step(WritableRule<StreamTransport>(transport_, half_, is_refused)));
    }
    bool write_now(Passkey, std::span<const std::byte> head, Bytes &payload) override {
        return transport_->write_now(*half_, head, payload);
    }
    void finish() override { transport_->finish(*half_); }
    asio::awaitable<void> sent() override {
        return Operation<void>(Passkey(), Step(SentRule<StreamTransport>(transport_, half_)));
    }
    void reset(std::uint64_t number) override { transport_->reset(*half_, number); }
    asio::awaitable<std::error_code> stopped() override {
        return Operation<std::error_code>(Passkey(), Step(StoppedRule<StreamTransport>(transport_, half_)));
    }
    void set_order(const SendOrder &order) override { transport_->set_order(*half_, order); }
    bool tell(Passkey, StopHook *hook) noexcept override { return transport_->tell(*half_, hook); }
    std::size_t unsent() const noexcept override { return transport_->unsent(*half_); }
    bool seems_lost() const noexcept override { return transport_->seems_lost(*half_); }
    asio::awaitable<void> drained() override {
        return Operation<void>(Passkey(), Step(DrainedRule<StreamTransport>(transport_, half_)));
    }

private:
    const std::shared_ptr<StreamTransport> transport_;
    const std::shared_ptr<SendHalf> half_;
};

/// The application's handle of the reading half.
class ReceiveHandle final : public ReceiveStream {
public:
    ReceiveHandle(std::shared_ptr<StreamTransport> transport, std::shared_ptr<ReceiveHalf> half) noexcept
        : transport_(std::move(transport)), half_(std::move(half)) {}
    ~ReceiveHandle() override { transport_->abandon(*half_); }

    asio::awaitable<Bytes> read() override {
        // The rule keeps both alive as long as the map exists.
        const auto was_read = [transport = transport_.get(), half = half_.get()](Bytes &&bytes) {
            if (!bytes.empty()) transport->was_read(*half, bytes.size());
            return std::move(bytes);
        };
        return Operation<Bytes>(Passkey(), mapped<Bytes>(Step(ReadRule<StreamTransport>(transport_, half_)), was_read));
    }
    void stop(std::uint64_t number) override { transport_->stop(*half_, number); }

private:
    const std::shared_ptr<StreamTransport> transport_;
    const std::shared_ptr<ReceiveHalf> half_;
};

inline asio::awaitable<std::unique_ptr<SendStream>> StreamTransport::open_uni() {
    using Stream = std::unique_ptr<SendStream>;
    const auto handle = [this](Halves &&halves) -> Stream {
        return std::make_unique<SendHandle>(shared_from_this(), std::move(halves.send));
    };
    return Operation<Stream>(Passkey(), mapped<Stream>(Step(OpenRule<StreamTransport>(shared_from_this(), Kind::Uni)), handle));
}
inline std::unique_ptr<SendStream> StreamTransport::open_uni_now(Passkey) {
    Lock lock(mutex());
    if (closed_ || !may_open(Kind::Uni)) return nullptr;
    auto half = open(Kind::Uni).send;
    lock.unlock();
    try {
        return std::make_unique<SendHandle>(shared_from_this(), half);
    } catch (...) {
        // It has no handle that would end it.
        abandon(*half);
        throw;
    }
}
inline asio::awaitable<BidiStream> StreamTransport::open_bidi() {
    const auto handles = [this](Halves &&halves) { return both(std::move(halves)); };
    return Operation<BidiStream>(Passkey(),
                                 mapped<BidiStream>(Step(OpenRule<StreamTransport>(shared_from_this(), Kind::Bidi)), handles));
}
inline asio::awaitable<std::unique_ptr<ReceiveStream>> StreamTransport::accept_uni() {
    using Stream = std::unique_ptr<ReceiveStream>;
    const auto handle = [this](Halves &&halves) -> Stream {
        return accepted(halves, [&]() -> Stream { return std::make_unique<ReceiveHandle>(shared_from_this(), halves.receive); });
    };
    return Operation<Stream>(Passkey(), mapped<Stream>(Step(AcceptRule<StreamTransport>(shared_from_this(), Kind::Uni)), handle));
}
inline asio::awaitable<BidiStream> StreamTransport::accept_bidi() {
    const auto handles = [this](Halves &&halves) {
        return accepted(halves, [&] { return both(Halves(halves)); });
    };
    return Operation<BidiStream>(Passkey(),
                                 mapped<BidiStream>(Step(AcceptRule<StreamTransport>(shared_from_this(), Kind::Bidi)), handles));
}
inline BidiStream StreamTransport::both(Halves &&halves) {
    return BidiStream(std::make_unique<SendHandle>(shared_from_this(), std::move(halves.send)),
                      std::make_unique<ReceiveHandle>(shared_from_this(), std::move(halves.receive)));
}

}  // namespace comoq::detail
