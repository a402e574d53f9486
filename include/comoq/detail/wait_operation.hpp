#pragma once
#include "source.hpp"
#include "wait_service.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/associated_allocator.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/error.hpp>
#include <asio/execution.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>
#include <asio/query.hpp>
#include <asio/require.hpp>
#include <asio/system_executor.hpp>
#include <asio/version.hpp>
#if __has_include(<asio/recycling_allocator.hpp>)
#include <asio/recycling_allocator.hpp>
#endif

#include <atomic>
#include <memory>
#include <type_traits>
#include <utility>

namespace comoq::detail {

/// Runs functions on an executor, with their allocator: never inside the call, and counting as work from the start.
template <class Executor> class Poster {
public:
    explicit Poster(const Executor &executor) : executor_(never_blocking(executor)) {}

    template <class Function> void operator()(Function function) const {
        const auto allocator = function.get_allocator();
        if constexpr (std::is_same_v<decltype(allocator), const std::allocator<void>>)
            execute(executor_, std::move(function));
        else
            execute(asio::prefer(executor_, asio::execution::allocator(allocator)), std::move(function));
    }

private:
    static auto never_blocking(const Executor &executor) {
        return asio::prefer(asio::require(executor, asio::execution::blocking.never),
                            asio::execution::outstanding_work.tracked);
    }
    template <class Running, class Function> static void execute(const Running &executor, Function &&function) {
#if ASIO_VERSION < 102600
        // Before 1.26 the executors of contexts have no public member for it.
        asio::execution::execute(executor, std::move(function));
#else
        executor.execute(std::move(function));
#endif
    }

    decltype(never_blocking(std::declval<const Executor &>())) executor_;
};

/// For executors that cannot promise not to run a function at once: go through one that can.
template <class Executor>
    requires(!asio::can_require_v<Executor, asio::execution::blocking_t::never_t>)
class Poster<Executor> {
public:
    explicit Poster(const Executor &executor) : executor_(executor) {}

    template <class Function> void operator()(Function function) const {
        asio::post(asio::system_executor(), asio::bind_executor(executor_, std::move(function)));
    }

private:
    Executor executor_;
};

// asio recycles the memory of handlers that name no allocator of their own; where it offers that to us, do likewise.
template <class Allocator> auto recycling(const Allocator &allocator) { return allocator; }
#if __has_include(<asio/recycling_allocator.hpp>)
inline auto recycling(const std::allocator<void> &) { return asio::recycling_allocator<void>(); }
#endif

/// One `async_wait` under way: a source, and the handler that its outcome is for.
///
/// Its block is owned by itself while it waits (cancelled: by the handler's thread; claimed: by the completing call),
/// by the function object that is queued on the executor, or by the context's service when that shuts down.
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

    void wake() noexcept override {
        WaitService *service = service_;
        schedule();
        if (service != nullptr) service->posted();
    }

    bool leave_source() noexcept override { return source_.withdraw(*this); }
    void context_gone() noexcept override { destroy(); }

private:
    using Executor = asio::associated_executor_t<Handler, asio::system_executor>;
    using BlockAllocator = typename std::allocator_traits<decltype(recycling(
        asio::get_associated_allocator(std::declval<const Handler &>())))>::template rebind_alloc<WaitOperation>;
    using Traits = std::allocator_traits<BlockAllocator>;

    struct Destroy {
        void operator()(WaitOperation *operation) const noexcept { operation->destroy(); }
    };

    /// What is queued on the executor. Destroyed without having run, it takes the operation with it, which has not
    /// taken anything from its source yet.
    class Resume {
    public:
        explicit Resume(WaitOperation *operation) noexcept : operation_(operation) {}
        void operator()() { operation_.release()->run(); }

        using allocator_type = asio::associated_allocator_t<Handler>;
        allocator_type get_allocator() const noexcept { return asio::get_associated_allocator(operation_->handler_); }

    private:
        std::unique_ptr<WaitOperation, Destroy> operation_;
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
        : source_(std::move(source)),
          handler_(std::move(handler)),
          poster_(executor()),
          service_(service_of(executor())) {}
    ~WaitOperation() = default;

    Executor executor() const { return asio::get_associated_executor(handler_, asio::system_executor()); }

    static BlockAllocator block_allocator(const Handler &handler) {
        return BlockAllocator(recycling(asio::get_associated_allocator(handler)));
    }

    static WaitService *service_of(const Executor &executor) {
        if constexpr (asio::can_query_v<Executor, asio::execution::context_t>)
            return &asio::use_service<WaitService>(
                static_cast<asio::execution_context &>(asio::query(executor, asio::execution::context)));
        else
            return nullptr;
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

    void schedule() noexcept {
        // The operation may be over before the executor's call returns, so the executor is not called from inside it.
        auto poster = poster_;
        poster(Resume(this));
    }

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
    Poster<Executor> poster_;
    WaitService *service_;
    Cancel *cancel_ = nullptr;
    Atomic<bool> cancelled_{false};
};

}  // namespace comoq::detail
