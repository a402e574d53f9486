// SPDX-License-Identifier: MIT
#pragma once
#include "sync.hpp"

#include <asio/execution_context.hpp>
#include <asio/strand.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>

namespace comoq::detail {

/// The waits whose handlers run on one execution context. When the context goes away with waits outstanding, they are
/// withdrawn and destroyed with it, as asio destroys operations of its own.
class WaitService final : public asio::execution_context::service {
public:
    using key_type = WaitService;
    static inline asio::execution_context::id id;

    /// One outstanding wait.
    class Member {
    public:
        Member(const Member &) = delete;
        Member &operator=(const Member &) = delete;

        /// The context is being destroyed: the member leaves the source that it waits on. False if a completing call
        /// has claimed it, and owns it then. Runs under the service's lock, so that the member cannot be gone yet.
        virtual bool leave_source() noexcept = 0;
        /// After it has left: the member destroys itself.
        virtual void context_gone() noexcept = 0;

    protected:
        Member() = default;
        ~Member() = default;

    private:
        friend class WaitService;
        Member *prev_ = nullptr;
        Member *next_ = nullptr;
        bool linked_ = false;
    };

    explicit WaitService(asio::execution_context &context) : asio::execution_context::service(context) {
        // asio shuts the newest service down first. Strands must still accept posts when this service is shut down;
        // otherwise they would be pushed to a queue that another thread is emptying. So the strands' service is made
        // before. It is made by its name, because asio terminates if a strand cannot be allocated.
        asio::use_service<asio::detail::strand_executor_service>(context);
    }

    ~WaitService() override { ends_.fetch_add(1, std::memory_order_release); }

    /// The context's service. A thread remembers the one that it has used last: asio looks for it in a list of all services of
    /// the context, under a lock, which takes some 100 instructions for each wait (callgrind).
    static WaitService &of(asio::execution_context &context) {
        // A context that has gone may have left its place to another one.
        const auto ends = ends_.load(std::memory_order_acquire);
        if (last_.context == &context && last_.ends == ends) return *last_.service;
        WaitService &service = asio::use_service<WaitService>(context);
        last_ = {&context, &service, ends};
        return service;
    }

    void add(Member &member) {
        Lock lock(mutex_);
        member.next_ = head_;
        if (head_ != nullptr) head_->prev_ = &member;
        head_ = &member;
        member.linked_ = true;
    }

    void remove(Member &member) noexcept {
        Lock lock(mutex_);
        if (member.linked_) unlink(member);
    }

    /// A completing call on any thread has claimed a wait and is about to post to the context: until it calls `posted`,
    /// the context must stay.
    void posting() noexcept { posting_.fetch_add(1, std::memory_order_relaxed); }
    void posted(std::size_t waits = 1) noexcept { posting_.fetch_sub(waits, std::memory_order_release); }

private:
    void shutdown() noexcept override {
        // Repeatedly: a handler that is destroyed here may begin another wait.
        while (Member *left = take_those_who_wait()) {
            while (left != nullptr) std::exchange(left, left->next_)->context_gone();
        }
        // A call that claimed a wait before it could be withdrawn is a few instructions away from having posted it.
        while (posting_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
    }

    /// The members that have left their sources, as a chain. A member that has not left belongs to a completing call.
    Member *take_those_who_wait() noexcept {
        Member *left = nullptr;
        Lock lock(mutex_);
        while (head_ != nullptr) {
            Member *member = head_;
            unlink(*member);
            if (member->leave_source()) member->next_ = std::exchange(left, member);
        }
        return left;
    }

    void unlink(Member &member) noexcept {
        (member.prev_ != nullptr ? member.prev_->next_ : head_) = member.next_;
        if (member.next_ != nullptr) member.next_->prev_ = member.prev_;
        member.prev_ = member.next_ = nullptr;
        member.linked_ = false;
    }

    struct Last {
        const asio::execution_context *context;
        WaitService *service;
        std::uint64_t ends;
    };
    static inline constinit thread_local Last last_{};
    /// How many of these services have ended. Not an Atomic: contexts end outside of the schedules.
    static inline constinit std::atomic<std::uint64_t> ends_{0};

    Mutex mutex_;
    Member *head_ = nullptr;
    Atomic<std::size_t> posting_{0};
};

}  // namespace comoq::detail
