#pragma once
#include "sync.hpp"

#include <asio/execution_context.hpp>

#include <cstddef>
#include <thread>

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

        /// The context is going away: destroy yourself unless a completing call has claimed you.
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

    explicit WaitService(asio::execution_context &context) : asio::execution_context::service(context) {}

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

    /// A completing call on any thread has claimed a wait and is about to post to the context: until it says `posted`,
    /// the context must stay.
    void posting() noexcept { posting_.fetch_add(1, std::memory_order_relaxed); }
    void posted() noexcept { posting_.fetch_sub(1, std::memory_order_release); }

private:
    void shutdown() noexcept override {
        for (;;) {
            Member *member = nullptr;
            {
                Lock lock(mutex_);
                member = head_;
                if (member == nullptr) break;
                unlink(*member);
            }
            member->context_gone();
        }
        // Who claimed a wait before it could be withdrawn is a few instructions away from having posted it.
        while (posting_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
    }

    void unlink(Member &member) noexcept {
        (member.prev_ != nullptr ? member.prev_->next_ : head_) = member.next_;
        if (member.next_ != nullptr) member.next_->prev_ = member.prev_;
        member.prev_ = member.next_ = nullptr;
        member.linked_ = false;
    }

    Mutex mutex_;
    Member *head_ = nullptr;
    Atomic<std::size_t> posting_{0};
};

}  // namespace comoq::detail
