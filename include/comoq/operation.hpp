#pragma once
#include "detail/frame_wait.hpp"
#include "detail/plain_awaiter.hpp"
#include "detail/source.hpp"
#include "detail/wait_operation.hpp"

#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/system_executor.hpp>
#include <asio/use_awaitable.hpp>

#include <concepts>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

namespace comoq {

namespace detail {

template <class T, bool Tuple> struct WaitSignature {
    using type = void(std::error_code, T);
    using result = T;
};
template <> struct WaitSignature<void, false> {
    using type = void(std::error_code);
    using result = void;
};
template <class T> struct WaitSignature<T, true> {
    using result = typename OutcomeTuple<T>::type;
    using type = void(result);
};
template <> struct WaitSignature<void, true> {
    using result = typename OutcomeTuple<void>::type;
    using type = void(result);
};

/// Starts a wait for asio's initiation machinery. A handler without an executor of its own runs on the system executor.
template <class T, bool Tuple> struct InitiateWait {
    using executor_type = asio::system_executor;
    executor_type get_executor() const noexcept { return {}; }

    template <class Handler> void operator()(Handler &&handler, AnySource<T> source) const {
        (*this)(std::forward<Handler>(handler), &source);
    }
    /// For who keeps the source in place until the wait has begun: it need not be moved on the way.
    template <class Handler> void operator()(Handler &&handler, AnySource<T> *source) const {
        std::decay_t<Handler> own(std::forward<Handler>(handler));
        WaitOperation<T, std::decay_t<Handler>, Tuple>::start(std::move(*source), std::move(own));
    }
};

template <bool Tuple, class T, class Source, class Token> auto initiate_wait(Source source, Token &&token) {
    using Signature = typename WaitSignature<T, Tuple>::type;
    return asio::async_initiate<Token, Signature>(InitiateWait<T, Tuple>(), token, std::move(source));
}

/// Counts the outcomes that coroutines of one thread took without a trip through their executor.
class ReadyBudget {
public:
    /// True if one more may be taken at once. Else the caller goes through the executor, so that a loop over ready
    /// operations lets the others on its thread run. 128 of them take about as long as a few trips.
    static bool spend() noexcept {
        if (++spent_ < limit) return true;
        renew();
        return false;
    }

    /// The coroutine goes through its executor.
    static void renew() noexcept { spent_ = 0; }

private:
    static constexpr unsigned limit = 128;
    static inline thread_local constinit unsigned spent_ = 0;
};

/// The place for an operation's source in a coroutine frame: tells the operation where it is, to be filled there.
template <class T> class Place {
public:
    explicit Place(AnySource<T> *&whereabouts) noexcept : whereabouts_(&whereabouts) { whereabouts = &source; }
    Place(Place &&other) noexcept : source(std::move(other.source)), whereabouts_(other.whereabouts_) {
        *whereabouts_ = &source;
    }

    AnySource<T> source;

private:
    AnySource<T> **whereabouts_;
};

/// An outcome as its awaiter gets it: as a tuple, or as a value or an exception.
template <bool Tuple, class T> typename WaitSignature<T, Tuple>::result handed_over(Outcome<T> &&outcome) {
    if constexpr (Tuple)
        return OutcomeTuple<T>::make(std::move(outcome));
    else
        return value_or_throw(std::move(outcome));
}

/// The coroutine that an `asio::awaitable` awaits: an outcome that is there is handed over within the awaiting
/// coroutine's own turn, any other waits as an asynchronous operation on its executor.
template <class T, bool Tuple>
asio::awaitable<typename WaitSignature<T, Tuple>::result> await_source(Place<T> place) {
    FrameSuspension<T> suspension(place.source);
    const auto suspend = [&suspension](auto *frame) { return suspension.suspend(frame); };
    for (bool look = ReadyBudget::spend();; look = true) {
        if (look) {
            if (auto outcome = place.source.poll()) co_return handed_over<Tuple>(std::move(*outcome));
            ReadyBudget::renew();
        }
        if constexpr (waits_in_frame) {
            co_await suspend;
            if (const auto failure = suspension.failure()) co_return handed_over<Tuple>(Outcome<T>(failure));
        } else {
            co_return co_await initiate_wait<Tuple, T>(&place.source, asio::use_awaitable);
        }
    }
}

/// What an operation knows of its frame. Its destructor runs after the frame's, as the operation's last act.
template <class T> class Whereabouts {
public:
    Whereabouts() = default;
    Whereabouts(Whereabouts &&other) noexcept : source_(std::exchange(other.source_, nullptr)) {}
    Whereabouts &operator=(Whereabouts &&other) noexcept {
        source_ = std::exchange(other.source_, nullptr);
        return *this;
    }

protected:
    ~Whereabouts() = default;
    LastAct last_act_;
    AnySource<T> *source_ = nullptr;
};

/// An awaitable with an owner's view of the source inside its frame; common to an operation and its tuple form.
template <class T, bool Tuple>
class [[nodiscard]] AwaitableSource : protected Whereabouts<T>,
                                      public asio::awaitable<typename WaitSignature<T, Tuple>::result> {
    using Base = asio::awaitable<typename WaitSignature<T, Tuple>::result>;

public:
    template <class Source>
        requires SourceOf<Source, T> || std::same_as<Source, AnySource<T>>
    explicit AwaitableSource(Source &&source) : Base(await_source<T, Tuple>(Place<T>(this->source_))) {
        this->source_->emplace(std::move(source));
    }
    /// The same operation in its other form. It is taken over when there is a frame for it, and not before.
    explicit AwaitableSource(AwaitableSource<T, !Tuple> &other) : Base(await_source<T, Tuple>(Place<T>(this->source_))) {
        this->source_->emplace(other.take());
    }
    AwaitableSource(AwaitableSource &&) noexcept = default;
    AwaitableSource &operator=(AwaitableSource &&other) noexcept {
        if (this != &other) {
            ResumeScope scope;
            // asio before 1.24 forgets the frame that it assigns over.
            Base previous(static_cast<Base &&>(*this));
            Base::operator=(static_cast<Base &&>(other));
            Whereabouts<T>::operator=(std::move(other));
        }
        return *this;
    }
    ~AwaitableSource() {
        // What was awaited has left nothing here whose end could complete anything.
        if (this->valid()) this->last_act_.arm();
    }

    /// For coroutine types other than `asio::awaitable`, which takes the object as it is: the coroutine is resumed by
    /// the thread that completes the operation, after the completing call has done everything else.
    PlainAwaiter<T, Tuple> operator co_await() && noexcept { return PlainAwaiter<T, Tuple>(take()); }

protected:
    template <class, bool> friend class AwaitableSource;
    /// The source, moved out; an operation that was moved from has an inert one.
    AnySource<T> take() noexcept {
        AnySource<T> *source = std::exchange(this->source_, nullptr);
        if (!this->valid() || source == nullptr) return AnySource<T>();
        return std::move(*source);
    }
};

}  // namespace detail

/// Something that may have to be waited for: it stands for one request, and withdraws it when destroyed.
///
/// `co_await` takes it as a temporary or by `std::move`, inside `asio::awaitable<..., asio::any_io_executor>` and inside
/// any coroutine type that forwards awaitables; it yields the T or throws `std::system_error`. What is there already is
/// delivered without a trip through the executor, but for one in 128 on a thread. Where T is an optional, empty means
/// the end of the stream. What is taken from a stream is taken when the awaiting side is resumed: an operation that is
/// destroyed or cancelled, even a ready one, takes nothing.
///
/// Continuations never run inside the call that completes them. An asio handler or coroutine is posted to its executor,
/// a coroutine without an executor is resumed by the completing thread as the last act of its outermost call into the
/// library. Of many that one call completes on one io_context or strand, up to 64 share a post and run one after the
/// other, though at least eight posts are made: do not block in one for another.
///
/// Cancellation (terminal, partial or total) settles this waiter alone with `asio::error::operation_aborted`. As always
/// with asio, a cancellation signal must be emitted on the handler's executor. An execution context may be destroyed
/// with waiters left: their handlers are destroyed with it, without being called.
///
/// Out of memory: the call that makes an operation throws `std::bad_alloc`, and nothing was asked for; a wait that cannot
/// begin, or a value that cannot be made, is the outcome `std::errc::not_enough_memory`, and nothing was taken, unless
/// another step of the same reader has gone on meanwhile. (`async_wait` throws instead when its wait cannot begin, and the
/// request is withdrawn.) To wake who waits on an io_context, a thread_pool or the system executor takes no memory, but for
/// a handler with an allocator of its own; on another executor its post may, and where there is none the program ends.
///
/// Threads: an operation is like a `std::unique_ptr`; destroying it is safe while another thread completes it. A coroutine
/// without an executor may be destroyed while it is suspended, which it is until the thread that completes what it waits
/// for has decided to resume it; what it runs must not let an exception out of `resume()`.
template <class T> class [[nodiscard]] Operation : public detail::AwaitableSource<T, false> {
public:
    /// For the library: operations come from its calls.
    template <class Source>
        requires detail::SourceOf<Source, T> || std::same_as<Source, detail::AnySource<T>>
    explicit Operation(Source source) : detail::AwaitableSource<T, false>(std::move(source)) {}
    /// The moved-from operation is inert: not ready, and not to be awaited.
    Operation(Operation &&) noexcept = default;
    Operation &operator=(Operation &&) noexcept = default;
    ~Operation() = default;

    /// Would `co_await` finish without suspending? False for an operation that was moved from, or whose request was.
    bool ready() const noexcept { return this->valid() && this->source_ != nullptr && this->source_->ready(); }

    /// The same without exceptions: awaitable in the same places, yields `std::tuple<std::error_code, T>`
    /// (`std::tuple<std::error_code>` where T is void).
    detail::AwaitableSource<T, true> as_tuple() && { return detail::AwaitableSource<T, true>(*this); }

    /// An asio asynchronous operation with the signature `void(std::error_code, T)`, or `void(std::error_code)`. Moves
    /// the request out of this object. Uses the handler's associated executor (else the system executor), allocator
    /// and cancellation slot, and counts as outstanding work on the executor while it waits.
    template <class Token> auto async_wait(Token &&token) {
        return detail::initiate_wait<false, T>(this->take(), std::forward<Token>(token));
    }
};

}  // namespace comoq
