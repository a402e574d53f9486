// SPDX-License-Identifier: MIT
#pragma once
#include "config.hpp"
#include "detail/wait/frame_wait.hpp"
#include "detail/wait/passkey.hpp"
#include "detail/wait/plain_awaiter.hpp"
#include "detail/wait/source.hpp"
#include "detail/wait/wait_operation.hpp"

#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/system_executor.hpp>
#include <asio/use_awaitable.hpp>

#include <concepts>
#include <new>
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
    /// For callers that keep the source in place until the wait has begun: it need not be moved.
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
    /// True if one more outcome may be taken at once. Otherwise the caller goes through the executor, so that a loop
    /// over ready operations lets the others on its thread run. 128 of them take about as long as a few trips.
    static bool spend() noexcept {
        if (++spent_ < limit) return true;
        renew();
        return false;
    }

    /// True if the next one may be.
    static bool is_left() noexcept { return spent_ + 1 < limit; }

    /// Called when the coroutine goes through its executor.
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

/// An outcome in the form that its awaiter gets: a tuple, or a value or an exception.
template <bool Tuple, class T>
typename WaitSignature<T, Tuple>::result handed_over(Outcome<T> &&outcome, [[maybe_unused]] const AnySource<T> &source) {
    if constexpr (Tuple) {
        return OutcomeTuple<T>::make(std::move(outcome));
    } else {
        if (outcome.ec) source.fail(outcome.ec);
        if constexpr (!std::is_void_v<T>) return std::move(outcome.value);
    }
}

/// The coroutine that an `asio::awaitable` awaits: it hands over a ready outcome within the awaiting coroutine's own
/// turn, and waits for any other as an asynchronous operation on its executor.
template <class T, bool Tuple>
asio::awaitable<typename WaitSignature<T, Tuple>::result> await_source(Place<T> place) {
    FrameSuspension<T> suspension(place.source);
    const auto suspend = [&suspension](auto *frame) { return suspension.suspend(frame); };
    for (bool look = ReadyBudget::spend();; look = true) {
        if (look) {
            if (auto outcome = place.source.poll()) co_return handed_over<Tuple>(std::move(*outcome), place.source);
            ReadyBudget::renew();
        }
        if constexpr (waits_in_frame) {
            co_await suspend;
            if (const auto failure = suspension.failure()) co_return handed_over<Tuple>(Outcome<T>(failure), place.source);
        } else {
            co_return co_await initiate_wait<Tuple, T>(&place.source, asio::use_awaitable);
        }
    }
}

/// An operation's knowledge of its frame. Its destructor runs after the frame's, as the operation's last act.
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
    template <class Make>
    AwaitableSource(MadeInPlace in_place, Make &make) : Base(await_source<T, Tuple>(Place<T>(this->source_))) {
        this->source_->emplace(in_place, make);
    }
    /// The same operation in its other form. The other is taken over once this one has a frame, and not before.
    explicit AwaitableSource(AwaitableSource<T, !Tuple> &other) : Base(await_source<T, Tuple>(Place<T>(this->source_))) {
        this->source_->emplace(other.take());
    }
    AwaitableSource(AwaitableSource &&other) noexcept : Whereabouts<T>(std::move(other)), Base(static_cast<Base &&>(other)) {
        other.make_inert();
    }
    AwaitableSource &operator=(AwaitableSource &&other) noexcept {
        if (this != &other) {
            ResumeScope scope;
            // asio before 1.24 forgets the frame that it assigns over.
            Base previous(static_cast<Base &&>(*this));
            Base::operator=(static_cast<Base &&>(other));
            Whereabouts<T>::operator=(std::move(other));
            other.make_inert();
        }
        return *this;
    }
    ~AwaitableSource() {
        // The awaited operation has left nothing here whose end could complete anything.
        if (this->valid()) this->last_act_.arm();
    }

    /// For coroutine types other than `asio::awaitable`, which takes the object as it is: the thread that completes the
    /// operation resumes the coroutine, after the completing call has done everything else.
    PlainAwaiter<T, Tuple> operator co_await() && noexcept { return PlainAwaiter<T, Tuple>(take()); }

    /// Never called. asio's coroutines look for it, and coroutines on another executor get an error that says what is
    /// wrong.
    template <class Executor>
        requires(!std::same_as<Executor, asio::any_io_executor>)
    auto operator()(asio::detail::awaitable_frame_base<Executor> *) const {
        static_assert(std::same_as<Executor, asio::any_io_executor>,
                      "comoq: an operation is awaited in asio::awaitable<T>, whose executor is asio::any_io_executor, and not in "
                      "asio::awaitable<T, AnotherExecutor>. Use async_wait with that executor's use_awaitable_t there.");
        return static_cast<asio::detail::awaitable_thread<Executor> *>(nullptr);
    }

protected:
    template <class, bool> friend class AwaitableSource;
    /// The source, moved out; an operation that was moved from has an inert one.
    AnySource<T> take() noexcept {
        AnySource<T> *source = std::exchange(this->source_, nullptr);
        if (!this->valid() || source == nullptr) return AnySource<T>();
        return std::move(*source);
    }

private:
    /// An awaitable without a frame must not be awaited: the moved-from operation gets one that has nothing to wait for.
    void make_inert() noexcept {
        try {
            Base::operator=(await_source<T, Tuple>(Place<T>(this->source_)));
        } catch (const std::bad_alloc &) {
        }
        this->source_ = nullptr;
    }
};

}  // namespace detail

/// What `Operation::as_tuple` returns: the same wait, whose failure is a value.
template <class T> using OperationAsTuple = detail::AwaitableSource<T, true>;

/// A wait for the outcome of one request. Destroying the operation withdraws the request.
///
/// `co_await` takes it as a temporary or by `std::move`, inside `asio::awaitable<..., asio::any_io_executor>` and
/// inside any coroutine type that forwards awaitables; it yields the T or throws `std::system_error`, whose `what()` names the
/// broadcast, track or group that was asked for ("comoq: track 'video': not found"). A ready outcome
/// is delivered without a trip through the executor, except for one in 128 on a thread. Where T is an optional, empty
/// means the end of the stream. An item is taken from a stream when the awaiting side is resumed: an operation that is
/// destroyed or cancelled, even a ready one, takes nothing.
///
/// Continuations never run inside the call that completes them. An asio handler or coroutine is posted to its executor.
/// The completing thread resumes a coroutine without an executor as the last act of its outermost call into the
/// library. If one call completes many operations on one io_context or strand, up to 64 share a post and run one after
/// the other, though at least eight posts are made: do not block in one for another.
///
/// Cancellation (terminal, partial or total) settles this waiter alone with `asio::error::operation_aborted`. As always
/// with asio, a cancellation signal must be emitted on the handler's executor. An execution context may be destroyed
/// with waiters left: it destroys their handlers without calling them.
///
/// Out of memory: the call that makes an operation throws `std::bad_alloc`, and nothing was asked for. If a wait cannot
/// begin, or a value cannot be made, the outcome is `std::errc::not_enough_memory`, and nothing was taken, unless
/// another step of the same reader has gone on meanwhile. (`async_wait` throws instead when its wait cannot begin, and
/// the request is withdrawn.) Waking a waiter on an io_context, a thread_pool or the system executor takes no memory,
/// except for a handler with an allocator of its own. On another executor the post may need memory, and if it finds
/// none, the program ends.
///
/// Threads: an operation is like a `std::unique_ptr`; destroying it is safe while another thread completes it. A
/// coroutine without an executor may be destroyed while it is suspended; it is suspended until the completing thread
/// has decided to resume it. Such a coroutine must not let an exception out of `resume()`.
template <class T> class [[nodiscard]] Operation : public detail::AwaitableSource<T, false> {
public:
    /// Programs get their operations from the calls of the library.
    template <class Source>
        requires detail::SourceOf<Source, T> || std::same_as<Source, detail::AnySource<T>>
    explicit Operation(detail::Passkey, Source source) : detail::AwaitableSource<T, false>(std::move(source)) {}
    /// `make()` makes the source, and does not throw.
    template <class Make>
    explicit Operation(detail::Passkey, detail::MadeInPlace in_place, Make make)
        : detail::AwaitableSource<T, false>(in_place, make) {}
    /// The moved-from operation is inert: it is not ready, and fails with Cancelled when awaited. So is one that has been
    /// awaited, except that `asio::awaitable` has taken its frame: do not await it there again, but by its tuple form.
    Operation(Operation &&) noexcept = default;
    Operation &operator=(Operation &&) noexcept = default;
    ~Operation() = default;

    /// True if the outcome is there: `co_await` does not wait for it, though one in 128 goes through the executor. False
    /// for an operation that was moved from, or whose request was.
    bool ready() const noexcept { return this->valid() && this->source_ != nullptr && this->source_->ready(); }

    /// The same without exceptions: awaitable in the same places, yields `std::tuple<std::error_code, T>`
    /// (`std::tuple<std::error_code>` where T is void).
    OperationAsTuple<T> as_tuple() && { return OperationAsTuple<T>(*this); }

    /// An asio asynchronous operation with the signature `void(std::error_code, T)`, or `void(std::error_code)`. Moves
    /// the request out of this object. Uses the handler's associated executor (else the system executor), allocator
    /// and cancellation slot, and counts as outstanding work on the executor while it waits.
    template <class Token> auto async_wait(Token &&token) {
        return detail::initiate_wait<false, T>(this->take(), std::forward<Token>(token));
    }
};

namespace detail {

/// The operation of an empty handle.
template <class T> Operation<T> closed_operation() {
    return Operation<T>(Passkey(), FailedSource<T>(make_error_code(Error::Closed)));
}

}  // namespace detail

}  // namespace comoq

// With separate compilation the coroutines of an operation are compiled once, too: a header names each T of an
// operation that it returns by COMOQ_DECLARE_OPERATION, and the operation's source by COMOQ_DEFINE_OPERATION. Both are
// used in namespace comoq.
#if defined(COMOQ_SEPARATE_COMPILATION)
#define COMOQ_OPERATION_IN_FORM(how, tuple, ...)                                                                       \
    how template ::asio::awaitable<typename detail::WaitSignature<__VA_ARGS__, tuple>::result>                        \
    detail::await_source<__VA_ARGS__, tuple>(detail::Place<__VA_ARGS__>);                                             \
    how template class detail::AwaitableSource<__VA_ARGS__, tuple>;                                                   \
    how template class detail::PlainAwaiter<__VA_ARGS__, tuple>;
#define COMOQ_OPERATION(how, ...)                                                                                      \
    COMOQ_OPERATION_IN_FORM(how, false, __VA_ARGS__)                                                                  \
    COMOQ_OPERATION_IN_FORM(how, true, __VA_ARGS__)                                                                   \
    how template class Operation<__VA_ARGS__>
#define COMOQ_DECLARE_OPERATION(...) COMOQ_OPERATION(extern, __VA_ARGS__)
#define COMOQ_DEFINE_OPERATION(...) COMOQ_OPERATION(, __VA_ARGS__)
#else
#define COMOQ_DECLARE_OPERATION(...) static_assert(true)
#define COMOQ_DEFINE_OPERATION(...) static_assert(true)
#endif

namespace comoq {
COMOQ_DECLARE_OPERATION(void);
COMOQ_DECLARE_OPERATION(std::uint64_t);
COMOQ_DECLARE_OPERATION(std::error_code);
}  // namespace comoq

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "impl/operation.ipp"
#endif
