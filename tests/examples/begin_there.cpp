// The relay's listener begins guests this way: without memory it turns a connection away, and goes on.
#include "relay/begin_there.hpp"

#include <cstddef>
#include <exception>
#include <memory>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>

#include <comoq/task_group.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/run.hpp"

namespace begin_there_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

struct Guest {
    explicit Guest(std::shared_ptr<int> connection) : socket(std::move(connection)) {}
    std::shared_ptr<int> socket;
};

asio::awaitable<void> serve(std::shared_ptr<Guest> guest, int &served) {
    guest->socket.reset();
    ++served;
    co_return;
}

}  // namespace

TEST_CASE("the relay: with any allocation failing, a connection is served or turned away, and nothing is thrown", "[relay]") {
    if (!allocations_can_fail()) return;
    std::size_t turned_away = 0;
    for (std::size_t point = 0;; ++point) {
        INFO("allocation " << point);
        asio::io_context context;
        TaskGroup guests(context.get_executor());
        auto socket = std::make_shared<int>();
        const std::weak_ptr<int> connection = socket;
        int served = 0, refused = 0;
        bool failed = false;
        {
            FailingAllocation failing(point);
            auto begin = [&guests, &served, socket = std::move(socket)]() mutable {
                auto guest = std::make_shared<Guest>(std::move(socket));
                guests.spawn(serve(std::move(guest), served), [](const std::exception_ptr &) {});
            };
            begin_there(context, std::move(begin), [&refused]() noexcept { ++refused; });
            settle_down(context);
            failed = failing.stop();
        }
        CHECK(served + refused == 1);
        CHECK(connection.expired());
        turned_away += refused == 1;
        if (!failed) {
            CHECK(served == 1);
            break;
        }
    }
    CHECK(turned_away >= 3);  // the way there, the guest, its task
}

}
