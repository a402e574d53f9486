#include "scheduler.hpp"

#include "support/seed.hpp"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <semaphore>
#include <string_view>
#include <thread>
#include <utility>

#ifdef __linux__
#include <sched.h>
#include <unistd.h>
#endif

extern "C" void __sanitizer_set_death_callback(void (*)()) __attribute__((weak));

namespace comoq::schedule {

namespace {

// A test of a few threads that takes longer than this goes round in circles.
constexpr std::size_t most_steps = 100'000;
// A loop that waits for another thread looks more often than any loop that does not wait.
constexpr std::size_t most_looks = 10;

thread_local Run *run_of_thread = nullptr;
thread_local std::size_t number_of_thread = 0;

Explorer *under_way = nullptr;

void say_schedule_under_way() {
    if (Explorer *explorer = std::exchange(under_way, nullptr)) explorer->say_schedule();
}

}  // namespace

/// Threads that are kept for the next run, each with a turn that it waits for.
class Pool {
public:
    ~Pool() {
        for (auto &worker : workers_) {
            worker->ends = true;
            worker->turn.release();
            worker->thread.join();
        }
    }

    void begin(Run &run) {
        while (workers_.size() < run.threads_.size()) {
            auto &worker = *workers_.emplace_back(std::make_unique<Worker>());
            worker.thread = std::thread([this, &worker, number = workers_.size() - 1] { work(worker, number); });
        }
        for (std::size_t i = 0; i < run.threads_.size(); ++i) workers_[i]->run = &run;
    }
    void give_turn(std::size_t to) { workers_[to]->turn.release(); }
    void wait_for_turn(std::size_t self) { workers_[self]->turn.acquire(); }
    void all_done() { done_.release(); }
    void wait_for_all() { done_.acquire(); }

private:
    struct Worker {
        std::binary_semaphore turn{0};
        Run *run = nullptr;
        bool ends = false;
        std::thread thread;
    };

    void work(Worker &self, std::size_t number) {
        for (;;) {
            self.turn.acquire();
            if (self.ends) return;
            Run &run = *self.run;
            run_of_thread = &run;
            number_of_thread = number;
            try {
                run.threads_[number].body();
            } catch (const std::exception &failure) {
                std::fprintf(stderr, "%s\n", failure.what());
                run.check(false, "a thread has thrown");
            }
            run.threads_[number].state = Run::State::Done;
            run_of_thread = nullptr;
            if (const auto next = run.next_after(number, false))
                give_turn(*next);
            else
                all_done();
        }
    }

    std::vector<std::unique_ptr<Worker>> workers_;
    std::binary_semaphore done_{0};
};

bool seeded(long number) noexcept {
    static const long chosen = [] {
        const char *text = std::getenv("COMOQ_SEEDED_DEFECT");
        return text == nullptr ? 0 : std::strtol(text, nullptr, 10);
    }();
    return number == chosen;
}

Run *Run::current() noexcept { return run_of_thread; }

void Run::run() {
    pool_.begin(*this);
    pool_.give_turn(*next_after(0, false));
    pool_.wait_for_all();
}

void Run::point() {
    looks_ = 0;
    switch_from(number_of_thread, true);
}

void Run::look(const void *at) {
    looks_ = at == looked_at_ ? looks_ + 1 : 1;
    looked_at_ = at;
    switch_from(number_of_thread, looks_ < most_looks);
}

void Run::wait_for(const void *what) {
    Thread &self = threads_[number_of_thread];
    self.state = State::Waiting;
    self.waits_for = what;
    switch_from(number_of_thread, false);
}

void Run::wake(const void *what) noexcept {
    for (Thread &thread : threads_)
        if (thread.state == State::Waiting && thread.waits_for == what) thread.state = State::Ready;
}

void Run::check(bool good, const char *what) {
    if (!good) explorer_.fail(what);
}

void Run::switch_from(std::size_t self, bool may_go_on) {
    const std::size_t next = *next_after(self, may_go_on);
    if (next == self) return;
    looks_ = 0;
    pool_.give_turn(next);
    pool_.wait_for_turn(self);
}

std::optional<std::size_t> Run::next_after(std::size_t self, bool may_go_on) {
    if (++steps_ > most_steps) explorer_.fail("it goes round in circles");
    const auto gather = [&](bool self_too) {
        std::vector<std::size_t> ready;
        for (std::size_t i = 0; i < threads_.size(); ++i)
            if (threads_[i].state == State::Ready && (i != self || self_too || !run_of_thread)) ready.push_back(i);
        return ready;
    };
    auto ready = gather(may_go_on);
    // A thread that gives way has no other to give way to.
    if (ready.empty()) ready = gather(true);
    if (ready.empty()) {
        const auto left = [](const Thread &thread) { return thread.state != State::Done; };
        if (std::none_of(threads_.begin(), threads_.end(), left)) return std::nullopt;
        const auto stuck = [&](const Thread &thread) { return left(thread) && !thread.serves; };
        if (over_ || std::any_of(threads_.begin(), threads_.end(), stuck)) explorer_.fail("everybody waits for somebody");
        over_ = true;
        for (Thread &thread : threads_)
            if (left(thread)) thread.state = State::Ready;
        ready = gather(true);
    }
    const bool goes_on = may_go_on && run_of_thread != nullptr;
    return explorer_.decide(ready, goes_on ? std::optional(self) : std::nullopt);
}

Explorer::Explorer(std::string name) : name_(std::move(name)), pool_(std::make_unique<Pool>()) {
#ifdef __linux__
    // Threads that take turns hand over faster on one processor; chance decides which, for programs that run side by
    // side.
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) > 1) {
        int skip = static_cast<int>(getpid()) % CPU_COUNT(&allowed), processor = 0;
        while (!CPU_ISSET(processor, &allowed) || skip-- > 0) ++processor;
        CPU_ZERO(&allowed);
        CPU_SET(processor, &allowed);
        sched_setaffinity(0, sizeof allowed, &allowed);
    }
#endif
    under_way = this;
    const auto say_and_end = [](int) {
        say_schedule_under_way();
        std::_Exit(3);
    };
    std::signal(SIGABRT, say_and_end);
    if (__sanitizer_set_death_callback != nullptr)
        __sanitizer_set_death_callback(say_schedule_under_way);
    else
        std::signal(SIGSEGV, say_and_end);
}

Explorer::~Explorer() { under_way = nullptr; }

void Explorer::explore(std::size_t interruptions, const Test &test) {
    if (const char *schedule = std::getenv("COMOQ_SCHEDULE")) {
        replay(schedule, test);
    } else {
        exhaust(interruptions, test);
        at_random(test);
    }
}

void Explorer::exhaust(std::size_t interruptions, const Test &test) {
    runs_ = prepared_ = 0;
    do run_once(test);
    while (prepare_next(interruptions));
    std::fprintf(stderr, "%s: all %zu schedules with at most %zu interruptions\n", name_.c_str(), runs_, interruptions);
}

void Explorer::at_random(const Test &test) {
    std::mt19937_64 random(test::seed(name_.c_str()));
    random_ = [&random](std::size_t below) { return static_cast<std::size_t>(random() % below); };
    const char *wanted = std::getenv("COMOQ_SCHEDULES");
    const auto wanted_runs = wanted != nullptr ? std::strtoul(wanted, nullptr, 10) : 1000;
    for (runs_ = prepared_ = 0; runs_ < wanted_runs;) run_once(test);
    random_ = nullptr;
}

void Explorer::replay(const char *schedule, const Test &test) {
    for (std::string_view rest = schedule; !rest.empty();) {
        std::size_t number = 0;
        const auto [end, ec] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
        if (ec != std::errc()) {
            std::fprintf(stderr, "COMOQ_SCHEDULE is not a schedule: %s\n", schedule);
            std::exit(2);
        }
        replayed_.push_back(number);
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
        if (!rest.empty()) rest.remove_prefix(1);
    }
    run_once(test);
}

void Explorer::run_once(const Test &test) {
    decisions_.resize(prepared_);
    made_ = 0;
    ++runs_;
    Run run(*this, *pool_);
    test(run);
}

std::size_t Explorer::decide(const std::vector<std::size_t> &ready, std::optional<std::size_t> current) {
    const bool interrupts = current.has_value();
    const std::size_t plain = interrupts ? *current : ready.front();
    const std::size_t number = made_++;
    if (number < prepared_) {
        const std::size_t chosen = decisions_[number].chosen;
        if (std::find(ready.begin(), ready.end(), chosen) == ready.end()) fail("the same schedule went another way");
        return chosen;
    }
    Decision decision{{}, plain, plain, interrupts};
    if (random_) {
        // Interrupting at one in four points gives runs of a length that finds more than chaos does.
        if (!interrupts || random_(4) == 0) decision.chosen = ready[random_(ready.size())];
    } else if (!replayed_.empty()) {
        for (std::size_t i = 0; i + 1 < replayed_.size(); i += 2)
            if (replayed_[i] == number) decision.chosen = replayed_[i + 1];
        if (std::find(ready.begin(), ready.end(), decision.chosen) == ready.end())
            fail("COMOQ_SCHEDULE is of another test or of other code");
    } else {
        for (const std::size_t other : ready)
            if (other != plain) decision.others.push_back(other);
    }
    const std::size_t chosen = decision.chosen;
    decisions_.push_back(std::move(decision));
    return chosen;
}

bool Explorer::prepare_next(std::size_t interruptions) {
    std::size_t made = 0;
    for (const Decision &decision : decisions_) made += decision.interrupts && decision.departs() ? 1 : 0;
    while (!decisions_.empty()) {
        Decision &last = decisions_.back();
        made -= last.interrupts && last.departs() ? 1 : 0;
        if (!last.others.empty() && (!last.interrupts || made < interruptions)) {
            last.chosen = last.others.back();
            last.others.pop_back();
            prepared_ = decisions_.size();
            return true;
        }
        decisions_.pop_back();
    }
    return false;
}

void Explorer::say_schedule() noexcept {
    std::string schedule;
    for (std::size_t i = 0; i < decisions_.size() && i < made_; ++i)
        if (decisions_[i].departs())
            schedule += (schedule.empty() ? "" : ",") + std::to_string(i) + ':' + std::to_string(decisions_[i].chosen);
    // Catch2 takes a comma for the end of a name.
    std::string name;
    for (const char c : name_) name.append(c == ',' ? "\\" : "").push_back(c);
    std::fprintf(stderr, "\nin schedule %zu of \"%s\"; to run it again:\nCOMOQ_SCHEDULE='%s' comoq_schedules \"%s\"\n",
                 runs_, name_.c_str(), schedule.c_str(), name.c_str());
}

void Explorer::fail(const char *why) noexcept {
    std::fprintf(stderr, "\nFAILED: %s\n", why);
    say_schedule_under_way();
    std::_Exit(3);
}

}  // namespace comoq::schedule
