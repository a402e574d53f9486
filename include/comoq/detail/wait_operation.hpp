#pragma once
#include "poster.hpp"
#include "source.hpp"
#include "wait_service.hpp"

#include <asio/associated_allocator.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/error.hpp>
#include <asio/system_executor.hpp>
#if __has_include(<asio/recycling_allocator.hpp>)
#include <asio/recycling_allocator.hpp>
#endif

#include <atomic>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace comoq::detail {

// asio recycles the memory of handlers that name no allocator of their own; where it offers that to us, do likewise.
template <class Allocator> auto recycling(const Allocator &allocator) { return allocator; }
#if __has_include(<asio/recycling_allocator.hpp>)
inline auto recycling(const std::allocator<void> &) { return asio::recycling_allocator<void>(); }
#endif

/// One `async_wait` under way: a source, and the handler that its outcome is for.
///
/// Its block is owned by itself while it waits (cancelled: by the handler's thread; claimed: by the completing call),
/// by the function object that is queued on the executor, or by the context's service when that shuts down. Operations
/// of one kind and executor that are woken together are queued as one function, which runs one after the other.
template <class T, class Handler, bool Tuple> class WaitOperation final : public Waiter, public WaitService::Member {
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
        if (self->service_ != nullptr) self->service_->add(*self);
        // Before the wait is visible to anybody: afterwards the operation may end at any moment.
        self->connect_cancellation();
        guard.release();
        if (!self->source_.wait(*self)) self->schedule();
    }

    void claimed() noexcept override {
        if (service_ != nullptr) service_->posting();
    }

    Waiter *wake(std::size_t most) noexcept override {
        std::size_t together = 1;
        WaitOperation *last = this;
        Waiter *rest = following();
        for (; together < most && rest != nullptr && kind(*rest) == kind(); ++together) {
            auto *other = static_cast<WaitOperation *>(rest);
            if (!poster_.same(other->poster_)) break;
            last->queued_behind_ = other;
            last = other;
            rest = other->following();
        }
        WaitService *service = service_;
        schedule();
        if (service != nullptr) service->posted(together);
        return rest;
    }

    bool leave_source() noexcept override { return source_.withdraw(*this); }
    void context_gone() noexcept override { destroy(); }

private:
    static constexpr char kind_of_this = 0;
    template <class U> class QueueAllocator;

    using Executor = asio::associated_executor_t<Handler, asio::system_executor>;
    using ExecutorPoster = typename PosterFor<Executor>::type;
    using BlockAllocator = typename std::allocator_traits<decltype(recycling(
        asio::get_associated_allocator(std::declval<const Handler &>())))>::template rebind_alloc<WaitOperation>;
    using Traits = std::allocator_traits<BlockAllocator>;

    struct Destroy {
        void operator()(WaitOperation *operation) const noexcept { operation->destroy(); }
    };
    struct DestroyAll {
        void operator()(WaitOperation *operation) const noexcept {
            while (operation != nullptr) std::exchange(operation, operation->queued_behind_)->destroy();
        }
    };

    /// Gives the executor room in the operation's own block for what it queues: asio frees that before it runs the
    /// function, which ends the operation. Without it, a thread that is none of asio's has nothing to recycle, and a
    /// wake-up from there costs a trip to the heap. What needs more room gets it from the handler's allocator.
    template <class U> class QueueAllocator {
    public:
        using value_type = U;
        explicit QueueAllocator(WaitOperation &operation) noexcept : operation_(&operation) {}
        template <class V> QueueAllocator(const QueueAllocator<V> &other) noexcept : operation_(other.operation_) {}

        U *allocate(std::size_t count) const {
            if (!operation_->queue_room_taken_ && count * sizeof(U) <= queue_room && alignof(U) <= alignof(std::max_align_t)) {
                operation_->queue_room_taken_ = true;
                return reinterpret_cast<U *>(operation_->queue_room_);
            }
            auto allocator = theirs();
            return std::allocator_traits<decltype(allocator)>::allocate(allocator, count);
        }
        void deallocate(U *memory, std::size_t count) const noexcept {
            if (reinterpret_cast<std::byte *>(memory) == operation_->queue_room_) {
                operation_->queue_room_taken_ = false;
                return;
            }
            auto allocator = theirs();
            std::allocator_traits<decltype(allocator)>::deallocate(allocator, memory, count);
        }

        template <class V> bool operator==(const QueueAllocator<V> &other) const noexcept {
            return operation_ == other.operation_;
        }

    private:
        template <class V> friend class QueueAllocator;
        auto theirs() const {
            using Theirs = decltype(recycling(asio::get_associated_allocator(std::declval<const Handler &>())));
            using Bound = typename std::allocator_traits<Theirs>::template rebind_alloc<U>;
            return Bound(recycling(asio::get_associated_allocator(operation_->handler_)));
        }
        WaitOperation *operation_;
    };

    /// What is queued on the executor. Destroyed without having run, it takes the operations with it, which have not
    /// taken anything from their sources yet.
    class Resume {
    public:
        explicit Resume(WaitOperation *operation) noexcept : operation_(operation) {}
        void operator()() {
            do {
                WaitOperation *operation = operation_.release();
                operation_.reset(std::exchange(operation->queued_behind_, nullptr));
                try {
                    operation->run();
                } catch (...) {
                    // A handler has thrown: it takes itself and its turn, but nobody else's.
                    if (operation_ != nullptr) operation_.release()->schedule();
                    throw;
                }
            } while (operation_ != nullptr);
        }

        using allocator_type = QueueAllocator<void>;
        allocator_type get_allocator() const noexcept { return allocator_type(*operation_); }

    private:
        std::unique_ptr<WaitOperation, DestroyAll> operation_;
    };

    /// Sits in the handler's cancellation slot. Slot and operation may each end first, and tell the other.
    class Cancel {
    public:
        explicit Cancel(WaitOperation *operation) noexcept : operation_(operation) { operation_->cancel_ = this; }
        Cancel(const Cancel &) = delete;
        Cancel &operator=(const Cancel &) = delete;
        ~Cancel() {
            if (operation_ != nullptr) operation_->cancel_ = nullptr;
        }
        void operator()(asio::cancellation_type_t type) {
            if (operation_ != nullptr && type != asio::cancellation_type::none) operation_->cancel();
        }
        WaitOperation *operation_;
    };

    WaitOperation(AnySource<T> &&source, Handler &&handler)
        : Waiter(&kind_of_this),
          source_(std::move(source)),
          handler_(std::move(handler)),
          poster_(asio::get_associated_executor(handler_, asio::system_executor())) {
        if (asio::execution_context *context = poster_.context()) service_ = &WaitService::of(*context);
    }
    ~WaitOperation() = default;

    static BlockAllocator block_allocator(const Handler &handler) {
        return BlockAllocator(recycling(asio::get_associated_allocator(handler)));
    }

    void connect_cancellation() {
        auto slot = asio::get_associated_cancellation_slot(handler_);
        if (slot.is_connected()) slot.template emplace<Cancel>(this);
    }

    /// Leaves the slot empty for the handler's next operation. A slot whose signal is gone has destroyed `Cancel`.
    void disconnect_cancellation() noexcept {
        if (cancel_ == nullptr) return;
        cancel_->operation_ = nullptr;
        cancel_ = nullptr;
        asio::get_associated_cancellation_slot(handler_).clear();
    }

    void cancel() noexcept {
        cancelled_.store(true, std::memory_order_relaxed);
        if (source_.withdraw(*this)) schedule();
    }

    void schedule() noexcept { poster_(Resume(this)); }

    void run() {
        for (;;) {
            if (cancelled_.load(std::memory_order_relaxed))
                return complete(Outcome<T>(std::error_code(asio::error::operation_aborted)));
            if (auto outcome = source_.poll()) return complete(std::move(*outcome));
            if (source_.wait(*this)) return;
        }
    }

    // GCC 12 with optimisation takes the empty value of a cancelled outcome for one that is read when it is moved.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
    void complete(Outcome<T> &&result) {
        disconnect_cancellation();
        Outcome<T> outcome(std::move(result));
        // Both while the handler is whole: a handler that was moved from need not have an allocator any more.
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

    void destroy() noexcept {
        auto allocator = block_allocator(handler_);
        destroy(allocator);
    }
    void destroy(BlockAllocator &allocator) noexcept {
        if (cancel_ != nullptr) cancel_->operation_ = nullptr;
        if (service_ != nullptr) service_->remove(*this);
        this->~WaitOperation();
        Traits::deallocate(allocator, this, 1);
    }

    AnySource<T> source_;
    Handler handler_;
    ExecutorPoster poster_;
    WaitService *service_ = nullptr;
    Cancel *cancel_ = nullptr;
    WaitOperation *queued_behind_ = nullptr;
    // asio's queued function has five words.
    static constexpr std::size_t queue_room = 8 * sizeof(void *);
    bool queue_room_taken_ = false;
    alignas(std::max_align_t) std::byte queue_room_[queue_room];
    Atomic<bool> cancelled_{false};
};

}  // namespace comoq::detail
