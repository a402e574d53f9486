// The log: its hook, its levels, and the text of a record.
#include <comoq/log.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <comoq/error.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/logged.hpp"

namespace log_tests {

using namespace comoq;
using comoq::test::Logged;

namespace {

void say(LogLevel level, std::string_view event) {
    if (!comoq::detail::is_logged(level)) return;
    LogRecord record;
    record.level = level;
    record.event = event;
    comoq::detail::write_log(record);
}

}  // namespace

TEST_CASE("log: it is off at first, and off again without a hook", "[log]") {
    CHECK_FALSE(comoq::detail::is_logged(LogLevel::Error));
    int calls = 0;
    set_log([&calls](const LogRecord &) { ++calls; });
    say(LogLevel::Info, "one");
    CHECK(calls == 1);
    set_log({}, LogLevel::Debug);
    CHECK_FALSE(comoq::detail::is_logged(LogLevel::Error));
    say(LogLevel::Error, "two");
    comoq::detail::write_log(LogRecord());
    CHECK(calls == 1);
}

TEST_CASE("log: records below the level of the hook are not made", "[log]") {
    Logged logged(LogLevel::Warning);
    say(LogLevel::Debug, "a");
    say(LogLevel::Info, "b");
    say(LogLevel::Warning, "c");
    say(LogLevel::Error, "d");
    CHECK(logged.take() == std::vector<std::string>{"warning c", "error d"});
    set_log([](const LogRecord &) { FAIL("nothing is wanted"); }, LogLevel::Off);
    say(LogLevel::Error, "e");
}

TEST_CASE("log: a hook gets no record below its level that was made for the hook before it", "[log]") {
    Logged logged(LogLevel::Warning);
    // `is_logged` was asked before this hook was set.
    LogRecord record;
    record.level = LogLevel::Debug;
    comoq::detail::write_log(record);
    CHECK(logged.take().empty());
}

TEST_CASE("log: what a hook throws does not reach the library", "[log]") {
    set_log([](const LogRecord &) { throw std::runtime_error("a full disk"); });
    say(LogLevel::Info, "a");
    set_log([](const LogRecord &) { throw 7; });
    say(LogLevel::Info, "a");
    set_log({});
}

TEST_CASE("log: a hook may set another hook, and lives until its call is over", "[log]") {
    std::vector<std::string> said;
    const auto owned = std::make_shared<std::string>("still here");
    set_log([&said, owned](const LogRecord &) {
        set_log([&said](const LogRecord &) { said.push_back("the next"); });
        CHECK(owned.use_count() == 2);
        said.push_back(*owned);
    });
    say(LogLevel::Info, "a");
    CHECK(owned.use_count() == 1);
    say(LogLevel::Info, "b");
    set_log({});
    CHECK(said == std::vector<std::string>{"still here", "the next"});
}

TEST_CASE("log: what a hook owns may log when it is destroyed", "[log]") {
    struct Says {
        ~Says() { say(LogLevel::Info, "gone"); }
    };
    set_log([says = std::make_shared<Says>()](const LogRecord &) {});
    std::vector<std::string> said;
    set_log([&said](const LogRecord &record) { said.emplace_back(record.event); });
    set_log({});
    CHECK(said == std::vector<std::string>{"gone"});
}

TEST_CASE("log: a record takes no memory of the library, and without a hook no time to speak of", "[log]") {
    std::atomic<int> calls = 0;
    set_log([&calls](const LogRecord &) { ++calls; });
    {
        const test::AllocationCount count;
        say(LogLevel::Info, "a");
        CHECK(count.made() == 0);
    }
    set_log({});
    CHECK(calls == 1);
}

TEST_CASE("log: threads may write while another one sets hooks", "[log]") {
    std::atomic<std::uint64_t> calls = 0;
    std::atomic<bool> ends = false;
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i)
        threads.emplace_back([&ends] {
            while (!ends) say(LogLevel::Info, "busy");
        });
    for (int i = 0; i < 2'000; ++i) {
        set_log([&calls, owned = std::make_shared<int>(i)](const LogRecord &) { calls += *owned != -1 ? 1 : 0; });
        if (i % 3 == 0) set_log({});
    }
    // A thread may not have begun before all of that.
    set_log([&calls](const LogRecord &) { ++calls; });
    while (calls == 0) std::this_thread::yield();
    ends = true;
    for (auto &thread : threads) thread.join();
    set_log({});
}

TEST_CASE("log: a peer's words cannot end their quotation, or command a terminal", "[log]") {
    LogRecord record;
    record.event = "subscribed";
    const auto shown = [&record](std::string_view track) {
        record.track = track;
        return to_string(record).substr(std::string_view("info subscribed track=").size());
    };
    CHECK(shown("a' reason='b") == "'a? reason=?b'");
    CHECK(shown("\x1b[2J\x7f\r") == "'?[2J?" "?'");
    CHECK(shown("a\xc2\x9b" "2J\x9b") == "'a??2J?'");
    CHECK(shown("\xc2") == "'?'");
    const std::string words = "Gr\xc3\x9c\xc3\x9f\x65 \xe2\x82\xac \xf0\x9f\x8e\xac";
    CHECK(shown(words) == "'" + words + "'");
}

TEST_CASE("log: a record in one line, with a peer's words in quotes", "[log]") {
    LogRecord record;
    record.level = LogLevel::Warning;
    record.event = "connection_lost";
    CHECK(to_string(record) == "warning connection_lost");
    record.session = 3;
    record.name = "wss://example.com";
    record.protocol = "moq-lite-06";
    record.path = "room\n42";
    record.track = std::string_view();
    record.code = make_error_code(Error::Timeout);
    record.reason = "late";
    record.attempt = 2;
    record.next_try = std::chrono::milliseconds(412);
    CHECK(to_string(record) == "warning connection_lost session=3 name='wss://example.com' protocol='moq-lite-06' path='room?42' "
                               "code='timed out' reason='late' attempt=2 next_try=412ms");
    CHECK(to_string(LogLevel::Debug) == "debug");
    CHECK(to_string(LogLevel::Error) == "error");
    CHECK(to_string(LogLevel::Off) == "off");
}

}
