// SPDX-License-Identifier: MIT
#pragma once
#include "../../fair_strand.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/bind_executor.hpp>
#include <asio/execution.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>
#include <asio/query.hpp>
#include <asio/require.hpp>
#include <asio/strand.hpp>
#include <asio/system_executor.hpp>
#include <asio/thread_pool.hpp>
#include <asio/version.hpp>

#include <type_traits>
#include <typeinfo>
#include <utility>
#include <variant>

namespace comoq::detail {

/// The context where the functions of an executor run, if it can be told.
template <class Executor> asio::execution_context *context_of(const Executor &executor) noexcept {
    if constexpr (asio::can_query_v<Executor, asio::execution::context_t>)
        return &static_cast<asio::execution_context &>(asio::query(executor, asio::execution::context));
    else
        return nullptr;
}

/// Executors that may run several functions in one go. A thread pool must not: its functions may block for one another.
template <class Executor> inline constexpr bool runs_in_one_go = std::is_same_v<Executor, asio::io_context::executor_type>;
template <class Inner> inline constexpr bool runs_in_one_go<asio::strand<Inner>> = true;

/// Executors that are known to free a queued function before they run it: it can lie in memory that the function
/// offers. (A strand does not: it queues an object for itself that outlives the function.)
template <class Executor>
inline constexpr bool frees_before_running = std::is_same_v<Executor, asio::io_context::executor_type> ||
                                             std::is_same_v<Executor, FairStrand> ||
                                             std::is_same_v<Executor, asio::thread_pool::executor_type> ||
                                             std::is_same_v<Executor, asio::system_executor>;

/// Runs functions on an executor, with their allocator: never inside the call, and counting as work from the start.
///
/// Executors of the kind above need no memory for functions that name no allocator. Any other executor may need some,
/// and if it finds none, the program ends, as in asio itself: the waiter could neither be told nor be left waiting.
template <class Executor> class Poster {
public:
    explicit Poster(const Executor &executor) : executor_(never_blocking(executor)) {}

    /// This object may be gone when the function runs, which may be before the call is over: the call then uses nothing
    /// of it. The copy that it uses instead need not count as work, because the queued function does.
    template <class Function> void operator()(Function function) const {
        const auto untracked = asio::prefer(executor_, asio::execution::outstanding_work.untracked);
        if constexpr (requires { function.get_allocator(); })
            execute(asio::prefer(untracked, asio::execution::allocator(function.get_allocator())), std::move(function));
        else if constexpr (frees_before_running<Executor>)
            execute(asio::prefer(untracked, asio::execution::allocator(function.room())), std::move(function));
        else
            execute(untracked, std::move(function));
    }

    asio::execution_context *context() const noexcept { return context_of(executor_); }

    /// True if a function of this one and a function of the other one may run in one go.
    bool in_one_go_with(const Poster &other) const noexcept {
        return runs_in_one_go<Executor> && executor_ == other.executor_;
    }

private:
    static auto never_blocking(const Executor &executor) {
        return asio::prefer(asio::require(executor, asio::execution::blocking.never),
                            asio::execution::outstanding_work.tracked);
    }
    template <class Running, class Function> static void execute(const Running &executor, Function &&function) {
#if ASIO_VERSION < 102600
        // Before asio 1.26 the executors of contexts have no public member for it.
        asio::execution::execute(executor, std::move(function));
#else
        executor.execute(std::move(function));
#endif
    }

    decltype(never_blocking(std::declval<const Executor &>())) executor_;
};

/// For executors that cannot promise not to run a function at once: it goes through one that can.
template <class Executor>
    requires(!asio::can_require_v<Executor, asio::execution::blocking_t::never_t>)
class Poster<Executor> {
public:
    explicit Poster(const Executor &executor) : executor_(executor) {}

    template <class Function> void operator()(Function function) const {
        auto bound = asio::bind_executor(executor_, std::move(function));
        asio::post(asio::system_executor(), std::move(bound));
    }

    asio::execution_context *context() const noexcept { return context_of(executor_); }
    bool in_one_go_with(const Poster &) const noexcept { return false; }

private:
    Executor executor_;
};

/// An executor of any type that is often of a known one: the known one is then used directly, without a virtual call
/// for each property, copy and post.
template <class Any, class... Known> class DirectPoster {
public:
    explicit DirectPoster(const Any &executor) : poster_(make<Known...>(executor)) {}

    template <class Function> void operator()(Function function) const {
        std::visit([&](const auto &poster) { poster(std::move(function)); }, poster_);
    }
    asio::execution_context *context() const noexcept {
        return std::visit([](const auto &poster) { return poster.context(); }, poster_);
    }
    bool in_one_go_with(const DirectPoster &other) const noexcept {
        return std::visit(
            [&other](const auto &poster) {
                const auto *same = std::get_if<std::decay_t<decltype(poster)>>(&other.poster_);
                return same != nullptr && poster.in_one_go_with(*same);
            },
            poster_);
    }

private:
    using Either = std::variant<Poster<Any>, Poster<Known>...>;

    template <class First, class... Rest> static Either make(const Any &executor) {
#if !defined(ASIO_NO_TYPEID)
        // Asked first, because asio 1.22 gives its target as whatever type it is asked for.
        if (executor.target_type() == typeid(First))
            return Either(std::in_place_type<Poster<First>>, *executor.template target<First>());
        if constexpr (sizeof...(Rest) != 0) return make<Rest...>(executor);
#endif
        return Either(std::in_place_type<Poster<Any>>, executor);
    }

    Either poster_;
};

template <class Executor> struct PosterFor {
    using type = Poster<Executor>;
};
// The executor of every `asio::awaitable`, and the types that it contains most often.
template <> struct PosterFor<asio::any_io_executor> {
    using type =
        DirectPoster<asio::any_io_executor, asio::io_context::executor_type, FairStrand, asio::thread_pool::executor_type>;
};

}  // namespace comoq::detail
