// SPDX-License-Identifier: MIT
#pragma once
#include "post_room.hpp"
#include "poster.hpp"
#include "sync.hpp"
#include "wait_service.hpp"
#include "waiter.hpp"

#include <asio/cancellation_type.hpp>
#include <asio/execution_context.hpp>

#include <cstddef>
#include <memory>
#include <utility>

namespace comoq::detail {

/// The part of a wait by an asio handler that depends on neither its outcome nor its handler: how it is queued and
/// cancelled.
///
/// It is separate because compilers take long for asio's part of it: it is compiled once for all waits here.
class QueuedWait : public Waiter, public WaitService::Member {
public:
    void claimed() noexcept override {
        if (service_ != nullptr) service_->posting();
    }
    void context_gone() noexcept override { destroy(); }

protected:
    /// The function that is queued on the executor: a wait, and those behind it. If it is destroyed without having run,
    /// it destroys the waits, which have not taken anything from their sources yet.
    class Resume {
    public:
        explicit Resume(QueuedWait *wait) noexcept : wait_(wait) {}
        void operator()() {
            do {
                QueuedWait *wait = wait_.release();
                wait_.reset(std::exchange(wait->queued_behind_, nullptr));
                try {
                    wait->run();
                } catch (...) {
                    // A handler has thrown: that ends its own turn, and the waits behind it keep theirs.
                    if (wait_ != nullptr) wait_.release()->schedule();
                    throw;
                }
            } while (wait_ != nullptr);
        }

        /// In the wait's own block, because the function ends the wait. Without it, a thread that does not belong to asio
        /// has nothing to recycle, and a wake-up from there costs a trip to the heap.
        PostRoom::Allocator<std::byte> room() const noexcept { return PostRoom::Allocator<std::byte>(wait_->room_); }

    private:
        struct DestroyAll {
            void operator()(QueuedWait *wait) const noexcept {
                while (wait != nullptr) std::exchange(wait, wait->queued_behind_)->destroy();
            }
        };
        std::unique_ptr<QueuedWait, DestroyAll> wait_;
    };

    /// Sits in the handler's cancellation slot. Slot and wait may each end first, and tell the other.
    class Cancel {
    public:
        explicit Cancel(QueuedWait *wait) noexcept : wait_(wait) { wait_->cancel_ = this; }
        Cancel(const Cancel &) = delete;
        Cancel &operator=(const Cancel &) = delete;
        ~Cancel() { disconnect(); }

        void operator()(asio::cancellation_type_t type) {
            if (wait_ != nullptr && type != asio::cancellation_type::none) wait_->cancel();
        }
        void disconnect() noexcept {
            if (wait_ != nullptr) wait_->cancel_ = nullptr;
            wait_ = nullptr;
        }

    private:
        QueuedWait *wait_;
    };

    QueuedWait(const void *kind, asio::execution_context *context)
        : Waiter(kind), service_(context != nullptr ? &WaitService::of(*context) : nullptr) {}
    ~QueuedWait() = default;

    /// On the executor: takes the outcome and calls the handler, or waits again.
    virtual void run() = 0;
    virtual void schedule() noexcept = 0;
    virtual void destroy() noexcept = 0;

    void enlist() {
        if (service_ != nullptr) service_->add(*this);
    }
    /// Before any part of it is destroyed: a context that is being destroyed on another thread may be about to call it.
    void retire() noexcept {
        if (cancel_ != nullptr) cancel_->disconnect();
        if (service_ != nullptr) service_->remove(*this);
    }
    void cancel() noexcept {
        cancelled_.store(true, std::memory_order_relaxed);
        if (leave_source()) schedule();
    }
    bool cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }

    WaitService *const service_;
    Cancel *cancel_ = nullptr;
    QueuedWait *queued_behind_ = nullptr;

private:
    Atomic<bool> cancelled_{false};
    PostRoom room_;
};

/// The same for one type of executor. Waits on one io_context or strand that are woken together are queued as one
/// function, which runs them one after the other.
template <class Executor> class ExecutorWait : public QueuedWait {
public:
    Waiter *wake(std::size_t most) noexcept override {
        std::size_t together = 1;
        ExecutorWait *last = this;
        Waiter *rest = following();
        for (; together < most && rest != nullptr && same_kind(*rest); ++together) {
            auto *other = static_cast<ExecutorWait *>(rest);
            if (!poster_.in_one_go_with(other->poster_)) break;
            last->queued_behind_ = other;
            last = other;
            rest = other->following();
        }
        WaitService *service = service_;
        schedule();
        if (service != nullptr) service->posted(together);
        return rest;
    }

protected:
    explicit ExecutorWait(const Executor &executor) : ExecutorWait(ExecutorPoster(executor)) {}
    ~ExecutorWait() = default;

    void schedule() noexcept override { poster_(Resume(this)); }

    using ExecutorPoster = typename PosterFor<Executor>::type;
    const ExecutorPoster &poster() const noexcept { return poster_; }

private:
    // Not constant: linkers may give equal constants one address.
    static inline char kind_of_this = 0;

    explicit ExecutorWait(ExecutorPoster &&poster)
        : QueuedWait(&kind_of_this, poster.context()), poster_(std::move(poster)) {}

    const ExecutorPoster poster_;
};

}  // namespace comoq::detail
