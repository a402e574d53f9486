// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace comoq::detail {

/// Places for elements that are made and destroyed one by one. It writes nothing to a place before that, because it stands in
/// objects of the hot path that use few of their places. The owner knows which elements there are, and destroys them.
template <class T, std::size_t count> class RawRoom {
public:
    // Leaves the octets as they are.
    RawRoom() noexcept {}
    RawRoom(const RawRoom &) = delete;
    RawRoom &operator=(const RawRoom &) = delete;

    static constexpr std::size_t size() noexcept { return count; }
    /// The element must be there.
    T &operator[](std::size_t index) noexcept { return *std::launder(reinterpret_cast<T *>(octets_) + index); }
    /// The place must be free.
    template <class... Arguments> T &make(std::size_t index, Arguments &&...arguments) {
        return *new (octets_ + index * sizeof(T)) T(std::forward<Arguments>(arguments)...);
    }
    void destroy(std::size_t index) noexcept { std::destroy_at(&(*this)[index]); }

private:
    alignas(T) std::byte octets_[count * sizeof(T)];
};

}  // namespace comoq::detail
