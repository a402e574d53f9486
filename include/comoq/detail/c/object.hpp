// SPDX-License-Identifier: MIT
#pragma once
#include "../../c/base.h"
#include "../../config.hpp"
#include "../wait/sync.hpp"

#include <atomic>
#include <cstdint>
#include <utility>

namespace comoq::detail::c {

/// What a handle stands for. Its references are counted in it: a handle has one, and so has each call that uses it.
class Object {
public:
    explicit Object(std::uint32_t kind) noexcept : kind_(kind) {}
    Object(const Object &) = delete;
    Object &operator=(const Object &) = delete;

    std::uint32_t kind() const noexcept { return kind_; }
    void hold() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void drop() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }
    /// The last handle on it was closed; the result is that of `comoq_close`.
    virtual std::int32_t ended() noexcept { return COMOQ_OK; }

protected:
    virtual ~Object() = default;

private:
    Atomic<std::uint32_t> references_{0};
    const std::uint32_t kind_;

    friend class HandleTable;
    Atomic<std::uint32_t> handles_{0};
};

/// A reference to an object, or none.
template <class T> class Ref {
public:
    Ref() noexcept = default;
    /// One more reference.
    explicit Ref(T *object) noexcept : object_(object) {
        if (object_ != nullptr) object_->hold();
    }
    Ref(const Ref &other) noexcept : Ref(other.object_) {}
    Ref(Ref &&other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    Ref &operator=(Ref other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~Ref() {
        if (object_ != nullptr) object_->drop();
    }
    /// Takes over a reference that was counted before.
    static Ref adopt(T *object) noexcept {
        Ref ref;
        ref.object_ = object;
        return ref;
    }
    /// The caller has the reference from now on.
    T *release() noexcept { return std::exchange(object_, nullptr); }

    T *get() const noexcept { return object_; }
    T *operator->() const noexcept { return object_; }
    T &operator*() const noexcept { return *object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }

private:
    T *object_ = nullptr;
};

template <class T, class... Args> Ref<T> make(Args &&...args) { return Ref<T>(new T(std::forward<Args>(args)...)); }

/// An object that holds a value of the library's, under a handle of that kind.
template <std::uint32_t Kind, class T> class Holder final : public Object {
public:
    static constexpr std::uint32_t handle_kind = Kind;
    template <class... Args> explicit Holder(Args &&...args) : Object(Kind), value(std::forward<Args>(args)...) {}
    T value;
};

}  // namespace comoq::detail::c
