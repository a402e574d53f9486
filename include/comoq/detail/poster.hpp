#pragma once
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

/// Where the functions of an executor run, if it can be told.
template <class Executor> asio::execution_context *context_of(const Executor &executor) noexcept {
    if constexpr (asio::can_query_v<Executor, asio::execution::context_t>)
        return &static_cast<asio::execution_context &>(asio::query(executor, asio::execution::context));
    else
        return nullptr;
}

/// Executors whose functions may be run several in one go. Those of a thread pool may not: they may block for one another.
template <class Executor> inline constexpr bool runs_in_one_go = std::is_same_v<Executor, asio::io_context::executor_type>;
template <class Inner> inline constexpr bool runs_in_one_go<asio::strand<Inner>> = true;

/// Executors that are known to free what they queue before they run it: it can lie in the room that a function offers. (A
/// strand is none: what it queues for itself outlives the function.)
template <class Executor>
inline constexpr bool frees_before_running = std::is_same_v<Executor, asio::io_context::executor_type> ||
                                             std::is_same_v<Executor, asio::thread_pool::executor_type> ||
                                             std::is_same_v<Executor, asio::system_executor>;

/// Runs functions on an executor, with their allocator: never inside the call, and counting as work from the start.
///
/// Executors of the kind above need no memory for functions that name no allocator. Any other one may need some, and where
/// there is none for it, as in asio itself, the program ends: who waits there could neither be told nor be left waiting.
template <class Executor> class Poster {
public:
    explicit Poster(const Executor &executor) : executor_(never_blocking(executor)) {}

    /// This object may be gone when the function runs, which may be before the call is over: nothing of it is used then,
    /// and what is used instead need not count as work, for what is queued does.
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

    /// May a function of this one and a function of the other one be run in one go?
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
        auto bound = asio::bind_executor(executor_, std::move(function));
        asio::post(asio::system_executor(), std::move(bound));
    }

    asio::execution_context *context() const noexcept { return context_of(executor_); }
    bool in_one_go_with(const Poster &) const noexcept { return false; }

private:
    Executor executor_;
};

/// An executor of any type that is often of a known one: that is then used as what it is, without a virtual call for each
/// property, copy and post.
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
// What every `asio::awaitable` has for an executor, and what is most often in it.
template <> struct PosterFor<asio::any_io_executor> {
    using type =
        DirectPoster<asio::any_io_executor, asio::io_context::executor_type, asio::thread_pool::executor_type>;
};

}  // namespace comoq::detail
