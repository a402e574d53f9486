#include <comoq/detail/session/turn_queue.hpp>

#include <cstdint>

#include "support/catch.hpp"

namespace turn_queue_tests {

using comoq::SendOrder;
using comoq::detail::TurnQueue;

namespace {

using Entry = TurnQueue::Entry;
using Lane = TurnQueue::Lane;

SendOrder order_of(std::uint8_t priority, std::uint64_t rank = 0) {
    SendOrder order;
    order.priority = priority;
    order.rank = rank;
    return order;
}

}  // namespace

TEST_CASE("turns: the most urgent is next, then the lowest rank of its lane, then the oldest", "[session][turns]") {
    TurnQueue queue;
    Lane one, other;
    Entry low(order_of(1)), late(order_of(2, 5)), early(order_of(2, 4)), early_too(order_of(2, 4)), urgent(order_of(3));
    CHECK(queue.next() == nullptr);
    queue.add(one, low);
    queue.add(other, late);
    CHECK(queue.next() == &late);
    queue.add(other, early);
    queue.add(other, early_too);
    CHECK(queue.next() == &early);
    queue.add(one, urgent);
    CHECK(queue.next() == &urgent);
    queue.set_order(one, urgent, order_of(0));
    CHECK(queue.next() == &early);
    queue.remove(other, early, false);
    CHECK(queue.next() == &early_too);
    queue.remove(other, early_too, false);
    CHECK(queue.next() == &late);
    queue.set_order(one, low, order_of(9));
    CHECK(queue.next() == &low);
    for (auto *entry : {&low, &urgent}) queue.remove(one, *entry, true);
    queue.remove(other, late, true);
    CHECK(queue.next() == nullptr);
}

TEST_CASE("turns: lanes that are equally urgent take turns, whoever has more entries, and comes again", "[session][turns]") {
    TurnQueue queue;
    Lane many, few;
    Entry first(order_of(1, 1)), second(order_of(1, 2)), third(order_of(1, 3)), other(order_of(1, 7));
    for (auto *entry : {&first, &second, &third}) queue.add(many, *entry);
    queue.add(few, other);
    CHECK(queue.next() == &first);
    queue.remove(many, first, true);
    CHECK(queue.next() == &other);
    queue.remove(few, other, true);
    queue.add(few, other);
    CHECK(queue.next() == &second);
    queue.remove(many, second, true);
    CHECK(queue.next() == &other);
    // One that leaves does not use up its lane's turn.
    Entry last(order_of(1, 8));
    queue.add(few, last);
    queue.remove(few, other, false);
    CHECK(queue.next() == &last);
    queue.remove(few, last, true);
    CHECK(queue.next() == &third);
    queue.remove(many, third, true);
}

TEST_CASE("turns: a lane that is held has no next entry, and is where it was afterwards", "[session][turns]") {
    TurnQueue queue;
    Lane one, other;
    Entry urgent(order_of(2)), low(order_of(1));
    queue.hold(one, true);
    queue.add(one, urgent);
    CHECK(queue.next() == nullptr);
    queue.add(other, low);
    CHECK(queue.next() == &low);
    queue.hold(other, true);
    queue.hold(one, false);
    CHECK(queue.next() == &urgent);
    queue.remove(one, urgent, true);
    CHECK(queue.next() == nullptr);
    queue.hold(other, false);
    CHECK(queue.next() == &low);
    queue.remove(other, low, true);
}

}
