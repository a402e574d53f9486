// SPDX-License-Identifier: MIT
#pragma once
#include "request_table.hpp"
#include "../wait/failure.hpp"
#include "../wait/step.hpp"
#include "../wait/sync.hpp"

#include <memory>
#include <string>
#include <utility>

namespace comoq::detail {

/// The two ends of a request in an owner's table: each caller holds a `Requester`, the handler that serves it an
/// `Obligation`. An Owner has `Requests` (its RequestTable), `mutex()`, `requests()`, and
/// `settle_request(entry, outcome)`, which locks, settles and returns whether this call did it.
template <class Owner> using RequestEntry = typename Owner::Requests::Entry;

/// A caller that waits for a request to be settled: a source of the outcome.
template <class Owner, class Value> class Requester {
public:
    using value_type = Value;

    /// `open` or `join` has already counted this requester in the entry.
    Requester(std::shared_ptr<Owner> owner, std::shared_ptr<RequestEntry<Owner>> entry) noexcept
        : owner_(std::move(owner)), entry_(std::move(entry)) {}
    Requester(Requester &&) noexcept = default;
    Requester &operator=(Requester &&) = delete;
    ~Requester() {
        // A requester with the outcome has left the request already, which is over.
        if (entry_ != nullptr && !taken_) leave();
    }

    RequestEntry<Owner> &entry() const noexcept { return *entry_; }
    /// From now on the caller must leave the request.
    std::pair<std::shared_ptr<Owner>, std::shared_ptr<RequestEntry<Owner>>> release() noexcept {
        return {std::move(owner_), std::move(entry_)};
    }

    Mutex &mutex() const noexcept { return owner_->mutex(); }
    WaitList &waits() const noexcept { return entry_->requester_waits(); }
    bool available() const noexcept { return entry_->settled(); }
    /// What was asked for, in the words of the owner.
    std::string subject() const
        requires requires(const RequestEntry<Owner> &entry) { Owner::subject_of(entry.key()); }
    {
        return Owner::subject_of(entry_->key());
    }
    Outcome<Value> take() {
        taken_ = true;
        return owner_->requests().collect(*entry_);
    }

private:
    void leave() noexcept {
        Outcome<Value> left;
        WakeList wake;
        Lock lock(owner_->mutex());
        left = owner_->requests().leave(*entry_, wake);
    }

    std::shared_ptr<Owner> owner_;
    std::shared_ptr<RequestEntry<Owner>> entry_;
    bool taken_ = false;
};

/// Completes once nobody waits for a request any more.
template <class Owner> class Abandonment {
public:
    using value_type = void;

    Abandonment(std::shared_ptr<Owner> owner, std::shared_ptr<RequestEntry<Owner>> entry) noexcept
        : owner_(std::move(owner)), entry_(std::move(entry)) {}

    Mutex &mutex() const noexcept { return owner_->mutex(); }
    WaitList &waits() const noexcept { return entry_->abandoned_waits(); }
    bool available() const noexcept { return entry_->abandoned(); }
    Outcome<void> take() { return {}; }

private:
    std::shared_ptr<Owner> owner_;
    std::shared_ptr<RequestEntry<Owner>> entry_;
};

/// The duty to answer a request that was taken: dropping it unanswered answers NotFound.
template <class Owner> class Obligation {
public:
    Obligation() noexcept = default;
    Obligation(std::shared_ptr<Owner> owner, std::shared_ptr<RequestEntry<Owner>> entry) noexcept
        : owner_(std::move(owner)), entry_(std::move(entry)) {}
    Obligation(Obligation &&) noexcept = default;
    Obligation &operator=(Obligation &&other) noexcept {
        Obligation previous(std::move(*this));
        owner_ = std::move(other.owner_);
        entry_ = std::move(other.entry_);
        answered_ = other.answered_;
        return *this;
    }
    ~Obligation() {
        if (entry_ == nullptr || answered_) return;
        last_act_.arm();
        settle(make_error_code(Error::NotFound));
    }

    explicit operator bool() const noexcept { return entry_ != nullptr; }
    const std::shared_ptr<Owner> &owner() const noexcept { return owner_; }
    const std::shared_ptr<RequestEntry<Owner>> &entry() const noexcept { return entry_; }

    /// Throws Closed if it is empty.
    const std::shared_ptr<RequestEntry<Owner>> &held() const {
        if (entry_ == nullptr) throw_error(make_error_code(Error::Closed));
        return entry_;
    }

    /// True if this call settled it.
    template <class Answer> bool settle(Answer &&answer) {
        if (entry_ == nullptr || answered_) return false;
        // By this call or by another. Set before, because a coroutine that it resumes may destroy this object.
        answered_ = true;
        try {
            return owner_->settle_request(*entry_, std::forward<Answer>(answer));
        } catch (...) {
            answered_ = false;
            throw;
        }
    }

    /// Gives the request up, unless a requester waits for it again: false then. No requester is lost in between: a
    /// later one opens another request.
    bool withdraw() noexcept {
        if (entry_ == nullptr || answered_) return true;
        Lock lock(owner_->mutex());
        if (!entry_->abandoned()) return false;
        answered_ = true;
        WakeList wake;
        owner_->requests().settle(*entry_, {make_error_code(Error::NotFound)}, wake);
        return true;
    }

    AnySource<void> abandoned() const {
        if (entry_ == nullptr) return ReadySource<void>(Outcome<void>(make_error_code(Error::Closed)));
        return Step(Abandonment<Owner>(owner_, entry_));
    }

private:
    LastAct last_act_;
    std::shared_ptr<Owner> owner_;
    std::shared_ptr<RequestEntry<Owner>> entry_;
    bool answered_ = false;
};

}  // namespace comoq::detail
