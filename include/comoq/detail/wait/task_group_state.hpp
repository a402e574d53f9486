// SPDX-License-Identifier: MIT
#pragma once
#include "../../operation.hpp"
#include "../../config.hpp"
#include "../containers/intrusive_list.hpp"
#include "event.hpp"
#include "post_room.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/cancellation_signal.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace comoq::detail {

/// The state that a task group shares with its tasks. Used on the executor of the tasks.
class TaskGroupState : public std::enable_shared_from_this<TaskGroupState> {
public:
    /// Called when a task is over, with the exception that it threw.
    using Ended = std::function<void(std::exception_ptr)>;
    using Pointer = std::shared_ptr<TaskGroupState>;

    explicit TaskGroupState(asio::any_io_executor executor) : executor_(std::move(executor)) { idle_.set(); }
    TaskGroupState(const TaskGroupState &) = delete;
    TaskGroupState &operator=(const TaskGroupState &) = delete;

    /// Without `ended`, the task's failure is the group's. Throws if the task has not begun and never will.
    static void spawn(const Pointer &group, asio::awaitable<void> work, Ended ended);
    /// The same on another executor, where the task begins later. If it finds no memory then, that is its failure.
    static void spawn_on(const Pointer &group, const asio::any_io_executor &executor, asio::awaitable<void> work, Ended ended);

    /// Cancels each task once. From now on no task begins. A task that cannot be cancelled for want of memory is
    /// cancelled when there is some: the group tries again in each turn of its executor, and whenever a task ends.
    void cancel() noexcept {
        each_turn_ = all;
        cancel_some();
    }
    /// The same, a few tasks in each turn of the executor: for a group in which a peer may have thousands.
    void cancel_in_turns() noexcept {
        each_turn_ = a_few;
        cancel_some();
    }
    bool is_cancelled() const noexcept { return is_cancelled_; }

    /// The first failure counts. The cancellation that a cancelled task reports is not a failure.
    void fail(std::exception_ptr failure);
    bool has_failed() const noexcept { return failure_ != nullptr; }

    std::size_t size() const noexcept { return size_; }
    /// Completes when the group has no tasks.
    Operation<void> idle() const { return idle_.wait(); }

    /// Begins `tasks`, waits until the group has no task left, whatever happens, and throws the first failure.
    /// Cancelling the awaiting coroutine cancels the tasks, and the call then throws the cancellation unless a task
    /// failed before.
    static asio::awaitable<void> run(Pointer group, std::vector<asio::awaitable<void>> tasks);

private:
    static constexpr std::size_t all = static_cast<std::size_t>(-1);
    /// A task that is cancelled takes 1 to 2 us.
    static constexpr std::size_t a_few = 32;

    /// Cancels `each_turn_` of the tasks, and sees to the others in a later turn.
    void cancel_some() noexcept;
    /// The end of a task is a chance for those that were not cancelled for want of memory. Others have their turn.
    void see_to_the_rest() noexcept {
        if (misses_a_cancellation() && !(is_trying_again_ && each_turn_ != all)) cancel_some();
    }
    /// True if one of the tasks is still to be cancelled: for want of memory, or until its turn.
    bool misses_a_cancellation() const noexcept { return is_cancelled_ && !is_telling_ && !running_.empty(); }

    struct Task : ListNode<Task> {
        asio::cancellation_signal signal;
        Ended ended;
        std::weak_ptr<Task> self;
        bool is_told = false;
        bool has_begun = false;
        bool is_over = false;
        bool has_reported = false;

        /// Reports how the task ended, once.
        void end(TaskGroupState &group, std::exception_ptr failure) {
            if (std::exchange(has_reported, true)) return;
            if (ended)
                std::exchange(ended, nullptr)(std::move(failure));
            else if (failure != nullptr)
                group.fail(std::move(failure));
        }
    };

    /// A task's place in its group, for as long as any part of the task exists: also of one that never begins, or that
    /// a context destroys.
    class Place {
    public:
        Place(Pointer group, std::shared_ptr<Task> task) noexcept : group_(std::move(group)), task_(std::move(task)) {
            task_->self = task_;
            group_->running_.push_back(*task_);
            if (group_->size_++ == 0) group_->idle_.clear();
        }
        Place(Place &&) noexcept = default;
        Place &operator=(Place &&) = delete;
        ~Place() {
            if (task_ == nullptr) return;
            task_->is_over = true;
            (task_->is_told ? group_->told_ : group_->running_).remove(*task_);
            if (--group_->size_ == 0) group_->idle_.set();
            group_->see_to_the_rest();
        }

        const Pointer &group() const noexcept { return group_; }
        const std::shared_ptr<Task> &task() const noexcept { return task_; }

    private:
        Pointer group_;
        std::shared_ptr<Task> task_;
    };

    /// The place of a task that has not begun. The coroutine takes it when it begins. Until then, all parts that could end
    /// the task share it, so that it has reported its end before the group counts it as gone.
    using Waiting = std::shared_ptr<std::optional<Place>>;

    /// Begins a task later, on an executor of its own.
    class Beginning {
    public:
        Beginning(asio::any_io_executor executor, Waiting place, asio::awaitable<void> work) noexcept
            : executor_(std::move(executor)), place_(std::move(place)), work_(std::move(work)) {}
        void operator()();

    private:
        asio::any_io_executor executor_;
        Waiting place_;
        asio::awaitable<void> work_;
    };

    /// Cancels, in a later turn, the tasks that were not told. Its memory is a part of the group.
    class Again {
    public:
        explicit Again(Pointer group) noexcept : group_(std::move(group)) { group_->is_trying_again_ = true; }
        Again(Again &&) noexcept = default;
        Again &operator=(Again &&) = delete;
        ~Again() {
            if (group_ != nullptr) group_->is_trying_again_ = false;
        }
        void operator()() {
            const Pointer group = std::move(group_);
            group->is_trying_again_ = false;
            if (group->misses_a_cancellation()) group->cancel_some();
        }
        PostRoom::Allocator<std::byte> room() const noexcept { return PostRoom::Allocator<std::byte>(group_->room_); }

    private:
        Pointer group_;
    };
    void try_again() noexcept;

    static Waiting place_for(const Pointer &group, Ended ended);
    static void begin(const asio::any_io_executor &executor, const Waiting &place, asio::awaitable<void> work);
    static asio::awaitable<void> run_task(Waiting waiting, asio::awaitable<void> work);

    const asio::any_io_executor executor_;
    IntrusiveList<Task> running_;
    IntrusiveList<Task> told_;  // cancelled, and not over yet
    std::size_t size_ = 0;
    bool is_cancelled_ = false;
    bool is_telling_ = false;  // within `cancel_some`
    bool is_trying_again_ = false;
    std::size_t each_turn_ = all;
    PostRoom room_;
    std::exception_ptr failure_;
    Event idle_;
};

}  // namespace comoq::detail
