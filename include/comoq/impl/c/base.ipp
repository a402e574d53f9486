// SPDX-License-Identifier: MIT
#pragma once
#include "../../c/base.h"
#include "../../c/queue.h"
#include "../../detail/c/objects.hpp"
#include "../../version.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <string>

namespace comoq::detail::c {

COMOQ_EXPORT std::uint32_t comoq_abi() { return COMOQ_ABI; }

COMOQ_EXPORT comoq_string comoq_version() { return borrowed(COMOQ_VERSION_STRING); }

COMOQ_EXPORT std::uint32_t comoq_features() {
    std::uint32_t features = 0;
#if defined(COMOQ_C_WEB)
    features |= COMOQ_FEATURE_WEB;
#endif
#if defined(COMOQ_C_QUIC)
    features |= COMOQ_FEATURE_QUIC;
#endif
    return features;
}

COMOQ_EXPORT std::int32_t comoq_app_code(std::int32_t code, std::uint32_t *n) {
    std::uint32_t number = 0;
    if (!app_number_of(code, number)) return COMOQ_OK;
    set_if(n, number);
    return COMOQ_READY;
}

COMOQ_EXPORT std::size_t comoq_code_text(std::int32_t code, char *buffer, std::size_t size) {
    std::size_t whole = 0;
    guarded([&]() -> std::int32_t {
        const std::string text = text_of_number(code);
        whole = text.size();
        if (buffer != nullptr && size != 0) {
            const std::size_t shown = whole < size ? whole : size - 1;
            std::memcpy(buffer, text.data(), shown);
            buffer[shown] = 0;
        }
        return COMOQ_OK;
    });
    if (whole == 0 && buffer != nullptr && size != 0) buffer[0] = 0;
    return whole;
}

COMOQ_EXPORT std::int32_t comoq_close(comoq_handle handle) {
    bool last = false;
    const ResumeScope scope;
    const auto object = HandleTable::instance().remove(handle, last);
    if (!object) return COMOQ_ERROR_HANDLE;
    return last ? object->ended() : COMOQ_OK;
}

COMOQ_EXPORT std::int32_t comoq_retain(comoq_handle handle, comoq_handle *other) {
    return guarded([&]() -> std::int32_t {
        std::int32_t code = COMOQ_OK;
        if (other == nullptr) return COMOQ_ERROR_ARGUMENT;
        const auto object = HandleTable::instance().find_any(handle, code);
        if (!object) return code;
        if (object->kind() == COMOQ_KIND_QUEUE || object->kind() == COMOQ_KIND_OP || object->kind() == COMOQ_KIND_RUNTIME)
            return COMOQ_ERROR_KIND;
        *other = HandleTable::instance().insert(object.ref());
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::uint32_t comoq_kind_of(comoq_handle handle) {
    std::int32_t code = COMOQ_OK;
    const auto object = HandleTable::instance().find_any(handle, code);
    return object ? object->kind() : std::uint32_t{COMOQ_KIND_NONE};
}

COMOQ_EXPORT std::uint64_t comoq_live_handles() { return HandleTable::instance().live_handles(); }

COMOQ_EXPORT std::int32_t comoq_bytes_create(std::size_t size, comoq_bytes *bytes, std::uint8_t **data) {
    return guarded([&]() -> std::int32_t {
        if (bytes == nullptr || data == nullptr) return COMOQ_ERROR_ARGUMENT;
        // Some standard libraries add the room of their own without a look at the sum.
        constexpr auto most = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) - 4096;
        if (size > most) return COMOQ_ERROR_MEMORY;
        auto buffer = std::make_shared_for_overwrite<std::byte[]>(size);
        std::byte *begin = buffer.get();
        *bytes = give<BytesObject>(Bytes(std::move(buffer), std::span<const std::byte>(begin, size)));
        *data = reinterpret_cast<std::uint8_t *>(begin);
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_bytes_wrap(const std::uint8_t *data, std::size_t size, void (*release)(void *), void *arg,
                                           comoq_bytes *bytes) {
    return guarded([&]() -> std::int32_t {
        // A shared_ptr that cannot be made calls its deleter, so it is released in any case.
        const std::shared_ptr<void> owner(arg, [release](void *held) {
            if (release != nullptr) release(held);
        });
        if (bytes == nullptr) return COMOQ_ERROR_ARGUMENT;
        *bytes = give<BytesObject>(Bytes(owner, octets(data, size)));
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_bytes_data(comoq_bytes bytes, const std::uint8_t **data, std::size_t *size) {
    return with<BytesObject>(bytes, [&](const Bytes &held) {
        set_if(data, reinterpret_cast<const std::uint8_t *>(held.data()));
        set_if(size, held.size());
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_queue_create(comoq_queue *queue) {
    return guarded([&]() -> std::int32_t {
        if (queue == nullptr) return COMOQ_ERROR_ARGUMENT;
        *queue = HandleTable::instance().insert(make<Queue>());
        return COMOQ_OK;
    });
}

/// Runs `call(queue)` with the queue of that handle.
template <class Call> std::int32_t with_queue(comoq_queue handle, Call &&call) noexcept {
    std::int32_t code = COMOQ_OK;
    const auto queue = HandleTable::instance().find<Queue>(handle, code);
    if (!queue) return code;
    return guarded([&]() -> std::int32_t { return call(*queue); });
}

COMOQ_EXPORT std::int32_t comoq_queue_next(comoq_queue queue, comoq_event *events, std::size_t max, std::int32_t timeout_ms) {
    if (events == nullptr || max == 0) return COMOQ_ERROR_ARGUMENT;
    return with_queue(queue, [&](Queue &each) { return each.next(events, max, timeout_ms); });
}

COMOQ_EXPORT std::int32_t comoq_queue_fd(comoq_queue queue, int *descriptor) {
    if (descriptor == nullptr) return COMOQ_ERROR_ARGUMENT;
    if (!WakeDescriptor::supported) return COMOQ_UNSUPPORTED;
    return with_queue(queue, [&](Queue &each) {
        *descriptor = each.descriptor();
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_queue_wake(comoq_queue queue) {
    return with_queue(queue, [](Queue &each) {
        each.wake();
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_queue_dispatch(comoq_queue queue, std::int32_t timeout_ms) {
    return with_queue(queue, [&](Queue &each) {
        std::int32_t called = 0;
        while (called < 64) {
            comoq_event event;
            const std::int32_t count = each.next(&event, 1, called == 0 ? timeout_ms : 0);
            if (count < 0 && called == 0) return count;
            if (count <= 0) break;
            const auto *watcher = reinterpret_cast<const comoq_watcher *>(static_cast<std::uintptr_t>(event.user));
            if (watcher != nullptr && watcher->function != nullptr) watcher->function(watcher->data, &event);
            ++called;
        }
        return called;
    });
}

}  // namespace comoq::detail::c
