#include <comoq/detail/request/request_table.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace request_table_tests {

using comoq::Error;
using comoq::make_error_code;
using comoq::detail::Outcome;
using comoq::detail::RequestTable;
using comoq::detail::WakeList;

namespace {

using Table = RequestTable<std::uint64_t, int>;
using Keys = std::vector<std::uint64_t>;

Outcome<int> outcome(int value) { return Outcome<int>(std::in_place, value); }

Keys take_all(Table &table, Table::Queue &queue) {
    Keys keys;
    while (!queue.empty()) {
        keys.push_back(table.take(queue)->key());
    }
    return keys;
}

}  // namespace

TEST_CASE("section 5 rule 2: a key has one request until it is settled", "[request_table]") {
    Table table;
    Table::Queue queue;
    WakeList wake;
    const auto entry = table.open(7, queue);
    CHECK(table.find(7) == entry);
    CHECK(table.find(8) == nullptr);
    CHECK(table.take(queue) == entry);
    CHECK(table.find(7) == entry);
    CHECK(table.size() == 1);
    CHECK(table.settle(*entry, outcome(1), wake));
    CHECK(table.find(7) == nullptr);
    CHECK(table.size() == 0);
    const auto next = table.open(7, queue);
    CHECK(next != entry);
    CHECK(table.find(7) == next);
}

TEST_CASE("section 5 rule 3: the first answer settles a request, and later answers change nothing", "[request_table]") {
    Table table;
    Table::Queue queue;
    WakeList wake;
    const auto entry = table.open(7, queue);
    CHECK_FALSE(entry->settled());
    CHECK(table.settle(*entry, outcome(1), wake));
    CHECK(queue.empty());
    CHECK(entry->settled());
    CHECK(entry->abandoned());
    CHECK_FALSE(table.settle(*entry, Outcome<int>(make_error_code(Error::Timeout)), wake));
    CHECK_FALSE(entry->outcome().ec);
    CHECK(entry->outcome().value == 1);

    const auto next = table.open(7, queue);
    CHECK_FALSE(table.settle(*entry, outcome(2), wake));
    CHECK(table.find(7) == next);
}

TEST_CASE("an outcome is kept for as long as a requester may take it, and goes with the last one", "[request_table]") {
    comoq::detail::RequestTable<std::uint64_t, std::shared_ptr<int>> table;
    comoq::detail::RequestTable<std::uint64_t, std::shared_ptr<int>>::Queue queue;
    WakeList wake;
    const auto value = std::make_shared<int>(1);
    const auto answer = [&] { return Outcome<std::shared_ptr<int>>(std::in_place, value); };

    const auto taken = table.open(1, queue);
    table.join(*taken);
    CHECK(table.settle(*taken, answer(), wake));
    CHECK(table.collect(*taken).value == value);
    CHECK(value.use_count() == 2);
    CHECK(table.collect(*taken).value == value);
    CHECK(value.use_count() == 1);

    const auto left = table.open(2, queue);
    CHECK(table.settle(*left, answer(), wake));
    CHECK(table.leave(*left, wake).value == value);
    CHECK(value.use_count() == 1);

    const auto of_nobody = table.open(3, queue);
    table.take(queue);
    CHECK(table.leave(*of_nobody, wake).value == nullptr);
    CHECK(table.settle(*of_nobody, answer(), wake));
    CHECK(value.use_count() == 1);

    const auto refused = table.open(4, queue);
    CHECK(table.settle(*refused, Outcome<std::shared_ptr<int>>(make_error_code(Error::Timeout)), wake));
    CHECK(table.collect(*refused).ec == Error::Timeout);
    CHECK(refused->outcome().ec == Error::Timeout);
}

TEST_CASE("section 5 rule 8: a queued request leaves with its last requester, and a taken one stays", "[request_table]") {
    Table table;
    Table::Queue queue;
    WakeList wake;
    const auto queued = table.open(1, queue);
    table.join(*queued);
    static_cast<void>(table.leave(*queued, wake));
    CHECK(table.size() == 1);
    CHECK_FALSE(queued->abandoned());
    static_cast<void>(table.leave(*queued, wake));
    CHECK(table.size() == 0);
    CHECK(queue.empty());
    CHECK_FALSE(table.settle(*queued, outcome(1), wake));

    const auto taken = table.open(1, queue);
    table.take(queue);
    static_cast<void>(table.leave(*taken, wake));
    CHECK(taken->abandoned());
    CHECK_FALSE(taken->settled());
    CHECK(table.find(1) == taken);
    table.join(*taken);
    CHECK_FALSE(taken->abandoned());
    CHECK(table.settle(*taken, outcome(1), wake));
}

TEST_CASE("section 5 rule 5: queues keep their requests in order of age when they are merged and split", "[request_table]") {
    Table table;
    Table::Queue even, odd, big;
    for (std::uint64_t key = 0; key < 10; ++key) {
        table.open(key, key % 2 == 0 ? even : odd);
    }
    CHECK(even.oldest() < odd.oldest());
    odd.merge(even);
    CHECK(even.empty());
    odd.move_if(big, [](std::uint64_t key) { return key > 4; });
    table.open(10, odd);
    CHECK(take_all(table, odd) == Keys{0, 1, 2, 3, 4, 10});
    CHECK(take_all(table, big) == Keys{5, 6, 7, 8, 9});
}

TEST_CASE("section 5 rule 3: the end of a queue settles queued requests, and the end of the table also taken ones",
          "[request_table]") {
    Table table;
    Table::Queue queue, other;
    WakeList wake;
    const auto taken = table.open(1, queue);
    table.take(queue);
    const auto queued = table.open(2, queue), elsewhere = table.open(3, other);
    table.settle_queue(queue, make_error_code(Error::NotFound), wake);
    CHECK(queued->outcome().ec == Error::NotFound);
    CHECK(queue.empty());
    CHECK_FALSE(taken->settled());
    CHECK_FALSE(elsewhere->settled());
    table.settle_all(make_error_code(Error::Dropped), wake);
    CHECK(taken->outcome().ec == Error::Dropped);
    CHECK(elsewhere->outcome().ec == Error::Dropped);
    CHECK(other.empty());
    CHECK(table.size() == 0);
}

TEST_CASE("section 5: a request keeps its level's payload", "[request_table]") {
    RequestTable<std::string, int, std::shared_ptr<int>> table;
    decltype(table)::Queue queue;
    const auto payload = std::make_shared<int>(5);
    const auto entry = table.open("video", queue, payload);
    CHECK(entry->payload() == payload);
    CHECK(table.find(std::string_view("video")) == entry);
    CHECK(table.find("audio") == nullptr);
}

}
