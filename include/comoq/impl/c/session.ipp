// SPDX-License-Identifier: MIT
#pragma once
#include "../../c/session.h"
#include "../../detail/c/objects.hpp"
#include "../../detail/c/runtime.hpp"
#include "../../detail/c/structures.hpp"
#include "../../mirror.hpp"
#include "../../net/connect.hpp"
#include "../../net/listener.hpp"
#include "../../net/schemes.hpp"
#include "../../proxy.hpp"
#if defined(COMOQ_C_WEB)
#include "../../net/web_schemes.hpp"

#include <openssl/ssl.h>
#endif
#if defined(COMOQ_C_QUIC)
#include "../../net/quic_schemes.hpp"
#endif

namespace comoq::detail::c {

/// A session, which ends with its runtime. The runtime's context stays as long as the session refers to it.
class SessionObject final : public Object, private RuntimeMember {
public:
    static constexpr std::uint32_t handle_kind = COMOQ_KIND_SESSION;
    SessionObject(Ref<Runtime> runtime, std::shared_ptr<comoq::Session> session)
        : Object(COMOQ_KIND_SESSION), runtime_(std::move(runtime)), value(std::move(session)) {
        runtime_->add(*this);
    }

private:
    const Ref<Runtime> runtime_;

public:
    Guarded<std::shared_ptr<comoq::Session>> value;

protected:
    ~SessionObject() override { runtime_->remove(*this); }

private:
    void stop() noexcept override {
        const Lock lock(value.mutex);
        guarded([this]() -> std::int32_t {
            value.value->close();
            return COMOQ_OK;
        });
    }
};

/// A listener that runs until the handle is closed.
struct RunningListener {
    Ref<Runtime> runtime;
    std::string url;
    Operation<std::error_code> running;
};
using ListenerObject = Holder<COMOQ_KIND_LISTENER, RunningListener>;

/// The session of `connect` as a handle. It has the runtime, so that a session that nobody takes goes before that.
struct FillSession {
    Ref<Runtime> runtime;
    void operator()(comoq_event &event, std::shared_ptr<comoq::Session> &&session) const {
        event.value = HandleTable::instance().insert(make<SessionObject>(runtime, std::move(session)));
    }
};
/// The outcome of what runs on a runtime.
struct FillRun {
    Ref<Runtime> runtime;
    void operator()(comoq_event &event, const std::error_code &code) const noexcept { event.code = number_of(code); }
};

inline std::optional<std::string> file_of(comoq_string name) {
    return name.size != 0 ? std::optional(std::string(view(name))) : std::nullopt;
}

/// Runs `call(halves)` with an origin, if the handle is not 0.
template <class Call> void with_optional_origin(comoq_origin origin, Call &&call) {
    if (origin == 0) return;
    std::int32_t code = COMOQ_OK;
    const auto object = HandleTable::instance().find<OriginObject>(origin, code);
    if (!object) throw BadHandle{code};
    call(object->value);
}

inline lite::SessionConfig session_config_of(const comoq_session_config &given) {
    lite::SessionConfig config;
    with_optional_origin(given.publish, [&](const OriginHalves &halves) { config.publish = halves.consumer; });
    with_optional_origin(given.subscribe, [&](const OriginHalves &halves) { config.subscribe = halves.producer; });
    return config;
}

inline ConnectConfig connect_config_of(const comoq_session_config &given) {
    ConnectConfig config;
    config.session = session_config_of(given);
    config.tls.authorities_file = file_of(given.authorities_file);
    config.tls.certificate_file = file_of(given.certificate_file);
    config.tls.key_file = file_of(given.key_file);
    config.tls.server_name = file_of(given.server_name);
    if (given.pinned_certificate.size != 0) config.tls.pinned_certificates.emplace_back(view(given.pinned_certificate));
    config.tls.accept_any_certificate = (given.flags & COMOQ_ACCEPT_ANY_CERTIFICATE) != 0;
    return config;
}

/// Runs `call(runtime)` with a reference to the runtime of that handle.
template <class Call> std::int32_t with_runtime(comoq_runtime handle, Call &&call) noexcept {
    std::int32_t code = COMOQ_OK;
    const auto runtime = HandleTable::instance().find<Runtime>(handle, code);
    if (!runtime) return code;
    return guarded([&]() -> std::int32_t { return call(runtime.ref()); });
}

COMOQ_EXPORT std::int32_t comoq_runtime_create(comoq_runtime *runtime) {
    return guarded([&]() -> std::int32_t {
        if (runtime == nullptr) return COMOQ_ERROR_ARGUMENT;
#if defined(COMOQ_C_WEB)
        // The end of the program does not wait for the thread, which would find OpenSSL taken down by exit().
        OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, nullptr);
#endif
        *runtime = HandleTable::instance().insert(make<Runtime>());
        return COMOQ_OK;
    });
}

/// As a task, which a runtime can end.
inline asio::awaitable<std::shared_ptr<comoq::Session>> finish_connecting(Operation<std::shared_ptr<comoq::Session>> connecting) {
    auto session = co_await std::move(connecting);
    co_return session;
}

COMOQ_EXPORT std::int32_t comoq_connect(comoq_runtime runtime, comoq_string url, const comoq_session_config *config,
                                        comoq_queue queue, std::uint64_t user, comoq_event *now, comoq_op *op) {
    return with_runtime(runtime, [&](const Ref<Runtime> &held) {
        auto given = connect_config_of(read_prefix(config));
        auto connecting = held->run([&] {
            return held->begin(finish_connecting(comoq::connect(held->executor(), view(url), std::move(given))),
                               std::string(view(url)));
        });
        return ask(Asked{queue, user, now, op}, std::move(connecting), FillSession{held});
    });
}

COMOQ_EXPORT std::int32_t comoq_keep_connected(comoq_runtime runtime, comoq_string url, const comoq_session_config *config,
                                               comoq_queue queue, std::uint64_t user, comoq_op *op) {
    if (op == nullptr || queue == 0) return COMOQ_ERROR_ARGUMENT;
    return with_runtime(runtime, [&](const Ref<Runtime> &held) {
        const auto given = read_prefix(config);
        auto how = connect_config_of(given);
        lite::ReconnectConfig retry;
        retry.tries = static_cast<std::size_t>(given.tries);
        const auto text = std::string(view(url));
        auto connected = held->run([&] {
            // A URL that cannot be is refused at once, as `comoq_connect` does.
            net::known_url(text);
            return held->begin(keep_connected(text, std::move(how), std::move(retry)), text);
        });
        return ask(Asked{queue, user, nullptr, op}, std::move(connected), FillRun{held});
    });
}

/// Runs `call(session)`.
template <class Call> std::int32_t with_session(comoq_session session, Call &&call) noexcept {
    return with_locked<SessionObject>(session, [&](const std::shared_ptr<comoq::Session> &held) { return call(*held); });
}

COMOQ_EXPORT std::int32_t comoq_session_closed(comoq_session session, comoq_queue queue, std::uint64_t user, comoq_event *now,
                                               comoq_op *op) {
    return with_session(session, [&](const comoq::Session &held) {
        return ask(Asked{queue, user, now, op}, held.closed(), FillCode());
    });
}

COMOQ_EXPORT std::int32_t comoq_session_end(comoq_session session, std::int32_t code) {
    return with_session(session, [&](comoq::Session &held) {
        held.close(code != COMOQ_OK ? failure_of(code) : std::error_code());
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_session_goaway(comoq_session session, comoq_string uri, std::uint64_t within_ms) {
    return with_session(session, [&](const comoq::Session &held) {
        if (within_ms != 0)
            held.drain(milliseconds_of(within_ms), std::string(view(uri)));
        else
            held.goaway(std::string(view(uri)));
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_session_broadcast(comoq_session session, comoq_string path, comoq_consumer *consumer) {
    if (consumer == nullptr) return COMOQ_ERROR_ARGUMENT;
    return with_session(session, [&](const comoq::Session &held) {
        *consumer = give<ConsumerObject>(held.broadcast(view(path)));
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_session_protocol(comoq_session session, comoq_string *protocol) {
    return with_session(session, [&](const comoq::Session &held) {
        return set(protocol, borrowed(held.protocol())) ? COMOQ_OK : COMOQ_ERROR_ARGUMENT;
    });
}

COMOQ_EXPORT std::int32_t comoq_session_get_stats(comoq_session session, comoq_session_stats *stats) {
    return with_session(session, [&](const comoq::Session &held) {
        return write_prefix(stats, session_stats_for(held.stats())) ? COMOQ_OK : COMOQ_ERROR_ARGUMENT;
    });
}

inline asio::awaitable<void> run_listener(std::shared_ptr<Listener> listener) {
    auto running = listener->run();
    co_await std::move(running);
}

COMOQ_EXPORT std::int32_t comoq_listen(comoq_runtime runtime, comoq_string url, const comoq_session_config *config,
                                       comoq_listener *listener) {
    if (listener == nullptr) return COMOQ_ERROR_ARGUMENT;
    return with_runtime(runtime, [&](const Ref<Runtime> &held) {
        const auto given = read_prefix(config);
        ListenConfig how;
        how.session = session_config_of(given);
        how.tls.certificate_file = file_of(given.certificate_file).value_or("");
        how.tls.key_file = file_of(given.key_file).value_or("");
        if (given.generate_for.size != 0) how.tls.generate_for = {std::string(view(given.generate_for))};
        *listener = give<ListenerObject>(held->run([&] {
            auto listening = std::make_shared<Listener>(held->executor(), view(url), std::move(how));
            std::string text = listening->url().text();
            return RunningListener{held, text, held->begin(run_listener(std::move(listening)), text)};
        }));
        return COMOQ_OK;
    });
}

COMOQ_EXPORT std::int32_t comoq_listener_url(comoq_listener listener, comoq_string *url) {
    return with<ListenerObject>(listener, [&](const RunningListener &held) {
        return set(url, borrowed(held.url)) ? COMOQ_OK : COMOQ_ERROR_ARGUMENT;
    });
}

COMOQ_EXPORT std::int32_t comoq_proxy(comoq_runtime runtime, comoq_origin from, comoq_origin to, comoq_handler handler,
                                      comoq_queue queue, std::uint64_t user, comoq_op *op) {
    if (op == nullptr || queue == 0) return COMOQ_ERROR_ARGUMENT;
    return with_runtime(runtime, [&](const Ref<Runtime> &held) {
        return with<OriginObject>(from, [&](const OriginHalves &source) {
            return with<OriginObject>(to, [&](const OriginHalves &target) {
                return with<HandlerObject>(handler, [&](const OriginDynamic &requests) {
                    auto serving = held->run([&] {
                        return held->begin(proxy(source.consumer, target.producer, requests), "a proxy");
                    });
                    return ask(Asked{queue, user, nullptr, op}, std::move(serving), FillRun{held});
                });
            });
        });
    });
}

COMOQ_EXPORT std::int32_t comoq_mirror(comoq_runtime runtime, comoq_origin from, comoq_origin to, comoq_queue queue,
                                       std::uint64_t user, comoq_op *op) {
    if (op == nullptr || queue == 0) return COMOQ_ERROR_ARGUMENT;
    return with_runtime(runtime, [&](const Ref<Runtime> &held) {
        return with<OriginObject>(from, [&](const OriginHalves &source) {
            return with<OriginObject>(to, [&](const OriginHalves &target) {
                auto serving = held->run([&] { return held->begin(mirror(source.consumer, target.producer), "a mirror"); });
                return ask(Asked{queue, user, nullptr, op}, std::move(serving), FillRun{held});
            });
        });
    });
}

}  // namespace comoq::detail::c
