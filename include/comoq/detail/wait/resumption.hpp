// SPDX-License-Identifier: MIT
#pragma once
#include "../../config.hpp"

#include <cstddef>
#include <utility>

namespace comoq::detail {

/// A coroutine without an executor that is due to be resumed on this thread.
class Resumption {
public:
    virtual void resume() = 0;

protected:
    ~Resumption() = default;

private:
    friend class ResumeScope;
    Resumption *next_ = nullptr;
};

/// The scope of one completing call. Coroutines that have no executor are resumed when the outermost scope of the
/// thread ends, one after the other: inside no other library call, under no lock, and never one inside another, so that
/// a chain of any length uses the same stack. Public calls that complete something open one before anything else.
class COMOQ_VISIBLE ResumeScope {
public:
    ResumeScope() noexcept { enter(); }
    ~ResumeScope() { leave(); }
    ResumeScope(const ResumeScope &) = delete;
    ResumeScope &operator=(const ResumeScope &) = delete;

    static void enter() noexcept { ++state().depth; }

    COMOQ_INLINED static void leave() {
        State &s = state();
        if (s.depth > 1 || s.head == nullptr)
            --s.depth;
        else
            resume_all(s);
    }

    /// Queues `due` for the end of the outermost scope. Must be called inside one.
    static void push(Resumption &due) noexcept {
        State &s = state();
        if (s.tail != nullptr)
            s.tail->next_ = &due;
        else
            s.head = &due;
        s.tail = &due;
    }

private:
    struct State {
        std::size_t depth;
        Resumption *head;
        Resumption *tail;
    };
    static State &state() noexcept {
        static thread_local constinit State s{0, nullptr, nullptr};
        return s;
    }

    /// Separate from `leave`, which is on every path and has nothing to resume on nearly all of them.
    COMOQ_SELDOM static void resume_all(State &s) {
        // The depth stays above zero while the queue is emptied: the resumptions that the coroutines cause join the
        // queue.
        struct Leave {
            State &s;
            ~Leave() { --s.depth; }
        } guard{s};
        while (s.head != nullptr) {
            Resumption *due = s.head;
            s.head = std::exchange(due->next_, nullptr);
            if (s.head == nullptr) s.tail = nullptr;
            due->resume();
        }
    }
};

/// For a type whose destructor completes something: the first base or member, so that it is destroyed last and no part
/// of the object is touched after the coroutines have run. The destructor's body arms it.
class LastAct {
public:
    LastAct() = default;
    LastAct(const LastAct &) noexcept {}
    LastAct &operator=(const LastAct &) noexcept { return *this; }
    ~LastAct() {
        if (armed_) ResumeScope::leave();
    }

    void arm() noexcept {
        ResumeScope::enter();
        armed_ = true;
    }

private:
    bool armed_ = false;
};

}  // namespace comoq::detail
