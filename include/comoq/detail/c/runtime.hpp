// SPDX-License-Identifier: MIT
#pragma once
#include "../../first_of.hpp"
#include "../net/begun_task.hpp"
#include "../wait/event.hpp"
#include "made_here.hpp"
#include "object.hpp"

#include <asio/awaitable.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <variant>

namespace comoq::detail::c {

/// What ends with a runtime.
class RuntimeMember {
public:
    /// Under the runtime's mutex, so it must not call that.
    virtual void stop() noexcept = 0;

protected:
    ~RuntimeMember() = default;

private:
    friend class Runtime;
    RuntimeMember *previous_ = nullptr, *next_ = nullptr;
};

/// A context with one thread, for sessions and what else runs by itself.
///
/// What runs on it watches `stopping_`. The context stays as long as an object refers to it, and then its end ends what is left.
/// The thread ends with the handle; if that is never closed, it ends with the process, which does not wait for it.
class Runtime final : public Object {
public:
    static constexpr std::uint32_t handle_kind = COMOQ_KIND_RUNTIME;
    Runtime() : Object(COMOQ_KIND_RUNTIME), work_(context_.get_executor()), thread_([this] { serve(); }) {}

    asio::any_io_executor executor() noexcept { return context_.get_executor(); }

    /// Runs `call` on the thread, waits for it, and gives what it returns, or throws what it throws. Throws Closed after the
    /// handle's end. Not for its own thread.
    template <class Call> auto run(Call call) {
        if (!made_here_) throw std::system_error(make_error_code(Error::Closed));
        const auto asked = std::make_shared<Asked<Call>>(std::move(call));
        {
            std::unique_lock lock(mutex_);
            if (is_closing_) throw std::system_error(make_error_code(Error::Closed));
            asio::post(context_, [this, asked] {
                asked->run();
                const std::lock_guard done(mutex_);
                asked->is_done = true;
                changed_.notify_all();
            });
            // After the thread's end nothing runs `call` any more, which refers to what its caller has.
            changed_.wait(lock, [&] { return asked->is_done || is_over_; });
            if (!asked->is_done) throw std::system_error(make_error_code(Error::Closed));
        }
        if (asked->failure != nullptr) std::rethrow_exception(asked->failure);
        return std::move(*asked->result);
    }

    /// Begins a task on the thread, which ends with the handle at the latest: then its outcome is Closed. On the thread.
    template <class T> Operation<T> begin(asio::awaitable<T> task, std::string subject) {
        auto until = first_to_end(std::move(task), stopping_);
        return net::detail::BegunTask<T>::begin(executor(), std::move(until), std::move(subject));
    }
    Operation<std::error_code> begin(asio::awaitable<void> task, std::string subject) {
        return begin(with_code(std::move(task)), std::move(subject));
    }

    void add(RuntimeMember &member) noexcept {
        if (!made_here_) return;
        const std::lock_guard lock(mutex_);
        member.next_ = first_;
        if (first_ != nullptr) first_->previous_ = &member;
        first_ = &member;
        if (is_closing_) member.stop();
    }
    void remove(RuntimeMember &member) noexcept {
        if (!made_here_) return;
        const std::lock_guard lock(mutex_);
        (member.previous_ != nullptr ? member.previous_->next_ : first_) = member.next_;
        if (member.next_ != nullptr) member.next_->previous_ = member.previous_;
    }

    std::int32_t ended() noexcept override {
        if (!made_here_) {
            // The thread is the parent's: it cannot be joined, nor may what it uses go. The copy stays for ever.
            hold();
            return COMOQ_OK;
        }
        {
            std::unique_lock lock(mutex_);
            is_closing_ = true;
            work_.reset();
            stopping_.set();
            for (RuntimeMember *member = first_; member != nullptr; member = member->next_) member->stop();
            changed_.wait_for(lock, std::chrono::seconds(1), [this] { return is_over_; });
        }
        context_.stop();
        thread_.join();
        return COMOQ_OK;
    }

protected:
    ~Runtime() override {
        if (thread_.joinable()) ended();
    }

private:
    template <class Call> struct Asked {
        using Value = std::invoke_result_t<Call &>;
        explicit Asked(Call &&given) : call(std::move(given)) {}
        void run() noexcept {
            try {
                result.emplace(call());
            } catch (...) {
                failure = std::current_exception();
            }
        }
        Call call;
        std::optional<Value> result;
        std::exception_ptr failure;
        bool is_done = false;
    };

    template <class T> static asio::awaitable<T> first_to_end(asio::awaitable<T> task, Event stopping) {
        asio::awaitable<void> stop = stopping.wait();
        auto first = co_await comoq::first_of(std::move(task), std::move(stop));
        if (first.index() == 1) throw std::system_error(make_error_code(Error::Closed));
        co_return std::move(std::get<0>(first));
    }
    static asio::awaitable<std::error_code> with_code(asio::awaitable<void> task) {
        co_await std::move(task);
        co_return std::error_code();
    }

    void serve() noexcept {
        // A handler that throws has had no memory. What it belongs to may be lost, and the rest goes on.
        for (bool is_run = false; !is_run;) {
            try {
                context_.run();
                is_run = true;
            } catch (...) {
            }
        }
        const std::lock_guard lock(mutex_);
        is_over_ = true;
        changed_.notify_all();
    }

    const MadeHere made_here_;
    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    Event stopping_;
    RuntimeMember *first_ = nullptr;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool is_closing_ = false, is_over_ = false;
    std::thread thread_;
};

}  // namespace comoq::detail::c
