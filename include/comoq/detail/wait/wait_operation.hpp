// SPDX-License-Identifier: MIT
#pragma once
#include "queued_wait.hpp"
#include "source.hpp"

#include <asio/associated_allocator.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/error.hpp>
#include <asio/system_executor.hpp>
#if __has_include(<asio/recycling_allocator.hpp>)
#include <asio/recycling_allocator.hpp>
#endif

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace comoq::detail {

// asio recycles the memory of handlers that name no allocator of their own; if asio offers its recycling allocator, do
// likewise.
template <class Allocator> auto recycling(const Allocator &allocator) { return allocator; }
#if __has_include(<asio/recycling_allocator.hpp>)
inline auto recycling(const std::allocator<void> &) { return asio::recycling_allocator<void>(); }
#endif

/// A pending `async_wait`: a source, and the handler that its outcome is for.
///
/// Its block is owned by itself while it waits (cancelled: by the handler's thread; claimed: by the completing call),
/// by the function object that is queued on the executor, or by the context's service when that shuts down.
template <class T, class Handler, bool Tuple>
class WaitOperation final : public ExecutorWait<asio::associated_executor_t<Handler, asio::system_executor>> {
public:
    static void start(AnySource<T> &&source, Handler &&handler) {
        auto allocator = block_allocator(handler);
        auto *memory = Traits::allocate(allocator, 1);
        WaitOperation *self = nullptr;
        try {
            self = ::new (static_cast<void *>(memory)) WaitOperation(std::move(source), std::move(handler));
        } catch (...) {
            Traits::deallocate(allocator, memory, 1);
            throw;
        }
        std::unique_ptr<WaitOperation, Destroy> guard(self);
        self->enlist();
        // Before the wait becomes visible: afterwards the operation may end at any moment.
        self->connect_cancellation();
        guard.release();
        if (!self->source_.wait(*self)) self->schedule();
    }

    bool leave_source() noexcept override { return source_.withdraw(*this); }

private:
    using Base = ExecutorWait<asio::associated_executor_t<Handler, asio::system_executor>>;
    using typename Base::Cancel;
    using typename Base::Resume;
    using HandlerAllocator = asio::associated_allocator_t<Handler>;
    using BlockAllocator = typename std::allocator_traits<decltype(recycling(
        std::declval<const HandlerAllocator &>()))>::template rebind_alloc<WaitOperation>;
    using Traits = std::allocator_traits<BlockAllocator>;

    struct Destroy {
        void operator()(WaitOperation *operation) const noexcept { operation->destroy(); }
    };

    WaitOperation(AnySource<T> &&source, Handler &&handler)
        : Base(asio::get_associated_executor(handler, asio::system_executor())),
          source_(std::move(source)),
          handler_(std::move(handler)) {}
    ~WaitOperation() = default;

    static BlockAllocator block_allocator(const Handler &handler) {
        return BlockAllocator(recycling(asio::get_associated_allocator(handler)));
    }

    /// A resumption that is queued with the handler's own allocator.
    class OwnResume : public Resume {
    public:
        explicit OwnResume(WaitOperation *operation)
            : Resume(operation), allocator_(asio::get_associated_allocator(operation->handler_)) {}

        using allocator_type = HandlerAllocator;
        allocator_type get_allocator() const noexcept { return allocator_; }

    private:
        HandlerAllocator allocator_;
    };

    void schedule() noexcept override {
        if constexpr (std::is_same_v<HandlerAllocator, std::allocator<void>>)
            Base::schedule();
        else
            this->poster()(OwnResume(this));
    }

    void connect_cancellation() {
        auto slot = asio::get_associated_cancellation_slot(handler_);
        if (slot.is_connected()) slot.template emplace<Cancel>(this);
    }

    /// Leaves the slot empty for the handler's next operation. A slot whose signal is gone has destroyed `Cancel`.
    void disconnect_cancellation() noexcept {
        if (this->cancel_ == nullptr) return;
        this->cancel_->disconnect();
        asio::get_associated_cancellation_slot(handler_).clear();
    }

    void run() override {
        for (;;) {
            if (this->cancelled()) return complete(Outcome<T>(std::error_code(asio::error::operation_aborted)));
            if (auto outcome = source_.poll()) return complete(std::move(*outcome));
            if (source_.wait(*this)) return;
        }
    }

    // GCC 12 with optimisation warns that the empty value of a cancelled outcome is read when it is moved.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
    void complete(Outcome<T> &&result) {
        disconnect_cancellation();
        Outcome<T> outcome(std::move(result));
        // Both while the handler is whole: a moved-from handler need not have an allocator any more.
        auto allocator = block_allocator(handler_);
        Handler handler(std::move(handler_));
        // asio's rule: an operation's memory is free again before its handler runs.
        destroy(allocator);
        if constexpr (Tuple)
            std::move(handler)(OutcomeTuple<T>::make(std::move(outcome)));
        else if constexpr (std::is_void_v<T>)
            std::move(handler)(outcome.ec);
        else
            std::move(handler)(outcome.ec, std::move(outcome.value));
    }
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

    void destroy() noexcept override {
        auto allocator = block_allocator(handler_);
        destroy(allocator);
    }
    void destroy(BlockAllocator &allocator) noexcept {
        this->retire();
        this->~WaitOperation();
        Traits::deallocate(allocator, this, 1);
    }

    AnySource<T> source_;
    Handler handler_;
};

}  // namespace comoq::detail
