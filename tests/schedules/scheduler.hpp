/// \file Decides every switch between threads, so that a test can try their possible orders one after the other.
///
/// The threads of a run are real ones, because thread_local data must stay per thread, but only one runs at a time: it
/// goes on until a switch point, which every operation on a lock, an atomic or an executor is. The code between two of
/// them is one step. Memory is sequentially consistent here: faults of a weaker order are left to ThreadSanitizer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace comoq::schedule {

class Explorer;
class Pool;

/// True if the defect of that number, one of defects/, is switched on: COMOQ_SEEDED_DEFECT in the environment.
bool seeded(long number) noexcept;

/// One run of some threads.
class Run {
public:
    // For the test, outside of the threads.

    void thread(std::function<void()> body) { add(std::move(body), false); }
    /// A thread that serves others: the run does not wait for it, and tells it to end when no other thread can go on.
    void server(std::function<void()> body) { add(std::move(body), true); }
    /// Runs the threads to their end.
    void run();

    // For the threads, and what they call.

    /// The run that this thread belongs to, or null: outside of a run nothing is decided.
    static Run *current() noexcept;

    /// Another thread may go on here.
    void point();
    /// The same before a look at something: a thread that looks again and again waits for a change, and lets another go
    /// on.
    void look(const void *at);
    /// Waits until another thread wakes the waiters of `what`.
    void wait_for(const void *what);
    void wake(const void *what) noexcept;
    /// Tells a server to end: no thread is left to serve.
    bool over() const noexcept { return over_; }

    /// Ends the program, and prints the schedule that has led here, if `good` is false. For the test as well.
    void check(bool good, const char *what);

private:
    friend class Explorer;
    friend class Pool;
    enum class State { Ready, Waiting, Done };
    struct Thread {
        std::function<void()> body;
        bool serves;
        State state = State::Ready;
        const void *waits_for = nullptr;
    };

    Run(Explorer &explorer, Pool &pool) : explorer_(explorer), pool_(pool) {}
    Run(const Run &) = delete;
    Run &operator=(const Run &) = delete;
    ~Run() = default;

    void add(std::function<void()> body, bool serves) { threads_.push_back({std::move(body), serves}); }
    /// The thread `self` stops here: returns the one that goes on, or nothing when all have ended.
    std::optional<std::size_t> next_after(std::size_t self, bool may_go_on);
    void switch_from(std::size_t self, bool may_go_on);

    Explorer &explorer_;
    Pool &pool_;
    std::vector<Thread> threads_;
    const void *looked_at_ = nullptr;
    std::size_t looks_ = 0;
    std::size_t steps_ = 0;
    bool over_ = false;
};

/// Calls a test with one schedule after the other.
///
/// COMOQ_SCHEDULE, set to the schedule that a failure prints, makes every test that this program runs try only that
/// one. COMOQ_SCHEDULES is the number of random schedules, COMOQ_TEST_SEED their seed.
class Explorer {
public:
    using Test = std::function<void(Run &)>;

    /// The name by which the test can be run again.
    explicit Explorer(std::string name);
    ~Explorer();
    Explorer(const Explorer &) = delete;
    Explorer &operator=(const Explorer &) = delete;

    /// Tries every schedule with at most this many interruptions of a thread that could have gone on, and then some at
    /// random.
    void explore(std::size_t interruptions, const Test &test);

    /// Ends the program and prints the schedule that has led here.
    [[noreturn]] void fail(const char *why) noexcept;
    /// Only prints it, for a caller that ends the program.
    void say_schedule() noexcept;

private:
    friend class Run;
    /// The plain order: a thread goes on until it waits or ends, and then the first in number that can go on.
    struct Decision {
        std::vector<std::size_t> others;  // the threads left to try
        std::size_t plain;
        std::size_t chosen;
        bool interrupts;  // departs from the plain order
        bool departs() const noexcept { return chosen != plain; }
    };

    void exhaust(std::size_t interruptions, const Test &test);
    void at_random(const Test &test);
    void run_once(const Test &test);
    std::size_t decide(const std::vector<std::size_t> &ready, std::optional<std::size_t> current);
    bool prepare_next(std::size_t interruptions);
    void replay(const char *schedule, const Test &test);

    std::string name_;
    std::unique_ptr<Pool> pool_;
    std::vector<Decision> decisions_;   // of the present run: first the prepared ones
    std::vector<std::size_t> replayed_;  // pairs: a decision's number and the chosen thread
    std::size_t made_ = 0;
    std::size_t prepared_ = 0;
    std::size_t runs_ = 0;
    std::function<std::size_t(std::size_t)> random_;
};

}  // namespace comoq::schedule
