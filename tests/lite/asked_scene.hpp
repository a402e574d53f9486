/// \file A session that asks, with the test as its peer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <comoq/detail/lite/codec.hpp>
#include <comoq/lite/session.hpp>
#include <comoq/memory_transport.hpp>

#include "lite/spoken.hpp"
#include "support//catch.hpp"
#include "support/manual_sleep.hpp"
#include "support/run.hpp"

namespace comoq::test {

/// A session whose peer is this test.
struct AskedScene {
    using Change = std::function<void(lite::SessionConfig &)>;
    explicit AskedScene(MemoryLinkConfig how = spoken_link(), const Change &change = [](lite::SessionConfig &) {})
        : link(context.get_executor(), context.get_executor(), std::move(how)), peer(link.server()) {
        lite::SessionConfig config;
        config.subscribe = origin.producer();
        config.sleep = time;
        change(config);
        session.emplace(link.client(), std::move(config));
        asio::co_spawn(context, accept_all(peer, opened), asio::detached);
        announce = accept();
    }
    void run() { settle_down(context); }
    /// The next stream that the session opens. Throws if it opens none.
    BidiStream accept() {
        run();
        if (opened->empty()) {
            throw std::logic_error("the session asks for nothing more");
        }
        auto next = std::move(opened->front());
        opened->pop_front();
        return next;
    }
    bool is_asked_more() {
        run();
        return !opened->empty();
    }
    /// Takes the session's first message, and checks whether more follows.
    struct Asked {
        BidiStream stream;
        std::shared_ptr<bool> ended = std::make_shared<bool>(false);
    };
    Asked asked() {
        Asked asked;
        asked.stream = accept();
        CHECK_FALSE(run_to_end(context, asked.stream.receive->read()).empty());
        asio::co_spawn(context, until_end(*asked.stream.receive, asked.ended), asio::detached);
        run();
        return asked;
    }
    static asio::awaitable<void> until_end(ReceiveStream &stream, std::shared_ptr<bool> ended) {
        const Bytes more = co_await stream.read();
        *ended = more.empty();
    }
    using Opened = std::shared_ptr<std::deque<BidiStream>>;
    static asio::awaitable<void> accept_all(std::shared_ptr<Transport> peer, Opened to) {
        while (true) {
            auto next = co_await peer->accept_bidi();
            to->push_back(std::move(next));
        }
    }
    void answer(Asked &asked, std::vector<std::byte> bytes) {
        run_to_end(context, asked.stream.send->write(Bytes(std::move(bytes))));
        run();
    }
    void answer_info(Asked &asked) {
        std::vector<std::byte> bytes;
        lite::encode(lite::TrackInfoMessage(), spoken(), bytes);
        answer(asked, std::move(bytes));
    }

    asio::io_context context;
    ManualSleep time;
    Origin origin;
    MemoryLink link;
    std::shared_ptr<Transport> peer;
    Opened opened = std::make_shared<std::deque<BidiStream>>();
    std::optional<lite::Session> session;
    BidiStream announce;
};

}  // namespace comoq::test
