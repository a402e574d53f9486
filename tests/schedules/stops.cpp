// Streams that fail on one thread, and the session that is told of it on another, under every schedule.
#include <comoq/detail/stream/stop_list.hpp>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <comoq/detail/stream/send_half.hpp>
#include <comoq/error.hpp>

#include "schedules/ended.hpp"
#include "support/catch.hpp"

using namespace comoq;
using namespace comoq::schedule;
using comoq::detail::StopHook;
using comoq::detail::StopList;
using comoq::test::PlainTask;

namespace {

struct Hook : StopHook {
    using StopHook::StopHook;
};

/// A stream of a connection, whose lock guards it.
struct Stream {
    void fail() {
        detail::Aftermath after;
        const detail::Lock lock(mutex);
        half.fail(make_error_code(Error::Old), after);
    }
    void tell(StopHook *hook) {
        detail::WakeList wake;
        const detail::Lock lock(mutex);
        half.tell(hook, wake);
    }
    detail::Mutex mutex;
    detail::SendHalf half;
};

PlainTask take_all(StopList &list, std::vector<StopHook *> &taken) {
    while (true) {
        co_await list.coming();
        while (StopHook *const hook = list.next()) taken.push_back(hook);
    }
}

}  // namespace

TEST_CASE("schedules: a session is told once of each stream that fails, also of one that fails while it begins", "[schedules]") {
    const auto test = [](Run &run) {
        StopList list;
        Stream first, second;
        Hook of_first(list), of_second(list);
        first.tell(&of_first);
        std::vector<StopHook *> taken;
        const auto taking = take_all(list, taken);
        run.thread([&] { first.fail(); });
        run.thread([&] { second.fail(); });
        run.thread([&] { second.tell(&of_second); });
        run.run();
        for (StopHook *const hook : {static_cast<StopHook *>(&of_first), static_cast<StopHook *>(&of_second)}) {
            run.check(std::count(taken.begin(), taken.end(), hook) == 1, "a stream's failure was told never, or twice");
            run.check(hook->code() == Error::Old, "a stream failed with another code");
        }
    };
    Explorer(this_test()).explore(3, test);
}

TEST_CASE("schedules: a session that leaves a stream hears no more of it, though it fails meanwhile", "[schedules]") {
    const auto test = [](Run &run) {
        StopList list;
        Stream stream;
        std::optional<Hook> hook(std::in_place, list);
        stream.tell(&*hook);
        bool heard = false;
        run.thread([&] { stream.fail(); });
        run.thread([&] {
            stream.tell(nullptr);
            hook.reset();
            heard = list.next() != nullptr;
        });
        run.run();
        run.check(!heard && list.next() == nullptr, "a hook that has gone is in the list");
    };
    Explorer(this_test()).explore(3, test);
}
