// SPDX-License-Identifier: MIT
#pragma once
#include "sync.hpp"

#include <asio/execution.hpp>
#include <asio/io_context.hpp>
#include <asio/prefer.hpp>
#include <asio/recycling_allocator.hpp>
#include <asio/require.hpp>
#include <asio/version.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace comoq::detail {

/// The functions of one `FairStrand`. They run one at a time and in the order of their arrival, a few of them in each
/// function that the queue has on its context.
///
/// A queue has at most one function on the context, whose memory is a part of the queue: only `push` needs memory.
class FairQueue : public std::enable_shared_from_this<FairQueue> {
public:
    /// Functions that run before the rest of the context has its turn. A function of a session takes 5 to 50 us.
    static constexpr unsigned turn = 8;

    /// No function begins in a turn after that time.
    FairQueue(asio::io_context::executor_type executor, std::chrono::microseconds longest)
        : longest_(longest), executor_(asio::require(executor, asio::execution::blocking.never)) {}
    FairQueue(const FairQueue &) = delete;
    FairQueue &operator=(const FairQueue &) = delete;
    ~FairQueue() { clear(); }

    /// True if a function of this queue runs on this thread, perhaps below others.
    bool runs_here() const noexcept {
        for (const Running *running = innermost; running != nullptr; running = running->outer)
            if (running->queue == this) return true;
        return false;
    }

    /// The turn that runs on this thread, if any, ends with the function that runs now.
    static void end_turn_here() noexcept {
        if (innermost != nullptr) innermost->is_over = true;
    }

    /// The function's place comes from `allocator`, and is given back before it runs.
    template <class Allocator, class Function> void push(const Allocator &allocator, Function &&function) {
        // asio's own queues recycle memory, too: a completion of I/O needs none then.
        constexpr bool is_usual = std::is_same_v<Allocator, std::allocator<void>>;
        using Chosen = std::conditional_t<is_usual, asio::recycling_allocator<void>, Allocator>;
        using Kept = Place<Chosen, std::decay_t<Function>>;
        Kept *place = Kept::make(chosen<Chosen>(allocator), std::forward<Function>(function));
        Lock lock(mutex_);
        *end_ = place;
        end_ = &place->next;
        if (!is_on_context_) post();
    }

private:
    template <class Chosen, class Allocator> static Chosen chosen(const Allocator &allocator) {
        if constexpr (std::is_same_v<Chosen, Allocator>)
            return allocator;
        else
            return Chosen();
    }

    struct AnyPlace {
        explicit AnyPlace(void (*of)(AnyPlace *, bool)) noexcept : leave(of) {}
        AnyPlace *next = nullptr;
        // Frees the place, and runs its function if that is wanted.
        void (*leave)(AnyPlace *, bool runs);
    };

    template <class Allocator, class Function> struct Place : AnyPlace {
        using Own = typename std::allocator_traits<Allocator>::template rebind_alloc<Place>;
        using Traits = std::allocator_traits<Own>;

        template <class From>
        Place(const Own &own, From &&from)
            : AnyPlace(&leave_place), allocator(own), function(std::forward<From>(from)) {}

        template <class From> static Place *make(const Allocator &allocator, From &&from) {
            Own own(allocator);
            Place *place = Traits::allocate(own, 1);
            try {
                return std::construct_at(place, own, std::forward<From>(from));
            } catch (...) {
                Traits::deallocate(own, place, 1);
                throw;
            }
        }
        static void leave_place(AnyPlace *any, bool runs) {
            auto *place = static_cast<Place *>(any);
            Function function(std::move(place->function));
            Own own(place->allocator);
            std::destroy_at(place);
            Traits::deallocate(own, place, 1);
            if (runs) std::move(function)();
        }

        Own allocator;
        Function function;
    };

    /// Marks the thread that runs a turn.
    struct Running {
        explicit Running(const FairQueue *of) noexcept : queue(of), outer(std::exchange(innermost, this)) {}
        Running(const Running &) = delete;
        Running &operator=(const Running &) = delete;
        ~Running() { innermost = outer; }
        const FairQueue *queue;
        Running *outer;
        bool is_over = false;
    };
    static inline constinit thread_local Running *innermost = nullptr;

    /// The queue's function on the context. A context that ends destroys it, and with it all that waits in the queue.
    class Turn {
    public:
        explicit Turn(std::shared_ptr<FairQueue> queue) noexcept : queue_(std::move(queue)) {}
        Turn(Turn &&) noexcept = default;
        Turn &operator=(Turn &&) = delete;
        ~Turn() {
            if (queue_ != nullptr) queue_->abandon();
        }
        void operator()() { std::exchange(queue_, nullptr)->run(); }

    private:
        std::shared_ptr<FairQueue> queue_;
    };

    /// Gives the queue's one function on the context its memory.
    template <class T> class Room {
    public:
        using value_type = T;
        explicit Room(FairQueue &queue) noexcept : queue_(&queue) {}
        template <class U> Room(const Room<U> &other) noexcept : queue_(other.queue_) {}
        T *allocate(std::size_t) const noexcept {
            static_assert(sizeof(T) <= room_size && alignof(T) <= alignof(std::max_align_t));
            return reinterpret_cast<T *>(queue_->room_);
        }
        void deallocate(T *, std::size_t) const noexcept {}
        template <class U> bool operator==(const Room<U> &other) const noexcept { return queue_ == other.queue_; }

    private:
        template <class U> friend class Room;
        FairQueue *queue_;
    };

    // Under the lock.
    void post() noexcept {
        const auto executor = asio::prefer(executor_, asio::execution::allocator(Room<std::byte>(*this)));
#if ASIO_VERSION < 102600
        // Before asio 1.26 the executors of contexts have no public member for it.
        asio::execution::execute(executor, Turn(shared_from_this()));
#else
        executor.execute(Turn(shared_from_this()));
#endif
        is_on_context_ = true;
    }

    void run() {
        Running here(this);
        // A function that throws ends the turn. The others keep theirs.
        struct End {
            FairQueue *queue;
            ~End() {
                if (queue != nullptr) queue->end_turn();
            }
        } end{this};
        const auto over = std::chrono::steady_clock::now() + longest_;
        AnyPlace *place = pop();
        if (place == nullptr) return;
        for (unsigned ran = 1; place != nullptr; ++ran) {
            place->leave(place, true);
            place = next_or_end(here.is_over || ran == turn, over);
        }
        end.queue = nullptr;
    }
    void end_turn() noexcept {
        Lock lock(mutex_);
        leave_context();
    }
    /// The next function of this turn. Null if the turn is over.
    AnyPlace *next_or_end(bool is_last, std::chrono::steady_clock::time_point over) noexcept {
        Lock lock(mutex_);
        if (first_ != nullptr && !is_last && std::chrono::steady_clock::now() < over) return pop_first();
        leave_context();
        return nullptr;
    }
    /// Under the lock.
    void leave_context() noexcept {
        is_on_context_ = false;
        if (first_ != nullptr) post();
    }
    void abandon() noexcept {
        clear();
        end_turn();
    }
    void clear() noexcept {
        while (AnyPlace *place = pop()) place->leave(place, false);
    }
    AnyPlace *pop() noexcept {
        Lock lock(mutex_);
        return pop_first();
    }
    /// Under the lock.
    AnyPlace *pop_first() noexcept {
        AnyPlace *place = first_;
        if (place == nullptr) return nullptr;
        first_ = place->next;
        if (first_ == nullptr) end_ = &first_;
        return place;
    }

    using Executor = decltype(asio::require(std::declval<asio::io_context::executor_type>(), asio::execution::blocking.never));

    static constexpr std::size_t room_size = 96;
    alignas(std::max_align_t) std::byte room_[room_size];
    const std::chrono::microseconds longest_;
    const Executor executor_;
    Mutex mutex_;
    AnyPlace *first_ = nullptr;
    AnyPlace **end_ = &first_;
    bool is_on_context_ = false;
};

}  // namespace comoq::detail
