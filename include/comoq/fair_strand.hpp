// SPDX-License-Identifier: MIT
#pragma once
#include "detail/wait/fair_queue.hpp"
#include "detail/wait/passkey.hpp"

#include <asio/execution/allocator.hpp>
#include <asio/execution/blocking.hpp>
#include <asio/execution/context.hpp>
#include <asio/io_context.hpp>
#include <asio/prefer.hpp>
#include <asio/query.hpp>
#include <asio/require.hpp>

#include <chrono>
#include <memory>
#include <type_traits>
#include <utility>

namespace comoq {

/// An executor that runs its functions one at a time on an `asio::io_context`, as `asio::strand` does, and at most
/// eight of them, and for about 50 microseconds, before the context's other work has its turn.
///
/// Give each session a strand of its own: a peer that causes a thousand steps at once then delays the others by eight.
/// On a plain context, or on an `asio::strand`, it delays them by a thousand.
///
/// ```
/// asio::any_io_executor strand = comoq::FairStrand(context.get_executor());
/// auto socket = co_await acceptor.async_accept(strand, asio::use_awaitable);
/// asio::co_spawn(strand, serve(std::move(socket)), ended);
/// ```
///
/// Copies are the same strand. A function that is dispatched from the strand runs at once.
///
/// Out of memory: `asio::post` and the like throw `std::bad_alloc` if there is none for the function. A comoq operation
/// that completes here needs none.
///
/// Threads: any. Lifetime: the context must outlive every use of the strand. It destroys the functions that it has not
/// run.
template <class Inner> class BasicFairStrand {
public:
    /// The executor whose context runs the functions.
    using inner_executor_type = Inner;

    /// `longest`: after that time no further function begins before the context's other work has had its turn.
    explicit BasicFairStrand(const asio::io_context::executor_type &context,
                             std::chrono::microseconds longest = std::chrono::microseconds(50))
        requires std::is_same_v<Inner, asio::io_context::executor_type>
        : queue_(std::make_shared<detail::FairQueue>(context, longest)), inner_(context) {}
    BasicFairStrand(detail::Passkey, std::shared_ptr<detail::FairQueue> queue, const Inner &inner) noexcept
        : queue_(std::move(queue)), inner_(inner) {}

    /// True while a function of this strand runs on the calling thread.
    bool running_in_this_thread() const noexcept { return queue_->runs_here(); }

    /// As asio demands of an executor: runs the function on the strand, at once if the caller is a function of the strand
    /// that may run others, later otherwise. Throws std::bad_alloc.
    template <class Function> void execute(Function &&function) const {
        if (asio::query(inner_, asio::execution::blocking) != asio::execution::blocking.never && queue_->runs_here()) {
            std::decay_t<Function> own(std::forward<Function>(function));
            std::move(own)();
        } else {
            queue_->push(asio::query(inner_, asio::execution::allocator), std::forward<Function>(function));
        }
    }

    /// The context that runs the functions.
    asio::execution_context &query(asio::execution::context_t) const noexcept {
        return asio::query(inner_, asio::execution::context);
    }
    /// Other properties: those of the executor inside.
    template <class Property>
        requires(asio::can_query_v<const Inner &, Property> && !std::is_convertible_v<Property, asio::execution::context_t>)
    decltype(auto) query(const Property &property) const noexcept {
        return asio::query(inner_, property);
    }

    /// The same strand with a property of asio, except for blocking always.
    template <class Property>
        requires(asio::can_require_v<const Inner &, Property> &&
                 !std::is_convertible_v<Property, asio::execution::blocking_t::always_t>)
    auto require(const Property &property) const noexcept {
        using Other = std::decay_t<decltype(asio::require(inner_, property))>;
        return BasicFairStrand<Other>(detail::Passkey(), queue_, asio::require(inner_, property));
    }
    /// The same strand with the property, if the executor inside has it.
    template <class Property>
        requires(asio::can_prefer_v<const Inner &, Property> &&
                 !std::is_convertible_v<Property, asio::execution::blocking_t::always_t>)
    auto prefer(const Property &property) const noexcept {
        using Other = std::decay_t<decltype(asio::prefer(inner_, property))>;
        return BasicFairStrand<Other>(detail::Passkey(), queue_, asio::prefer(inner_, property));
    }

    friend bool operator==(const BasicFairStrand &one, const BasicFairStrand &other) noexcept {
        return one.queue_ == other.queue_;
    }

private:
    std::shared_ptr<detail::FairQueue> queue_;
    Inner inner_;
};

/// The strand of an `asio::io_context`.
using FairStrand = BasicFairStrand<asio::io_context::executor_type>;

}  // namespace comoq
