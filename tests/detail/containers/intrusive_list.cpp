#include <comoq/detail/containers/intrusive_list.hpp>

#include <vector>

#include "support/catch.hpp"

namespace intrusive_list_tests {

using comoq::detail::IntrusiveList;
using comoq::detail::ListNode;

namespace {

struct Other;
struct Item : ListNode<Item>, ListNode<Other> {
    explicit Item(int number) : value(number) {}
    int value;
};

template <class List> std::vector<int> values(const List &list) {
    std::vector<int> all;
    for (auto *item = list.front(); item != nullptr; item = List::after(*item)) {
        all.push_back(item->value);
    }
    return all;
}

}  // namespace

TEST_CASE("an intrusive list keeps its order, whichever item is taken out", "[intrusive_list]") {
    Item one(1), two(2), three(3);
    IntrusiveList<Item> list;
    CHECK(list.empty());
    for (auto *item : {&one, &two, &three}) {
        list.push_back(*item);
    }
    CHECK(values(list) == std::vector<int>{1, 2, 3});
    list.remove(two);
    CHECK(values(list) == std::vector<int>{1, 3});
    list.push_back(two);
    CHECK(values(list) == std::vector<int>{1, 3, 2});
    list.remove(one);
    CHECK(values(list) == std::vector<int>{3, 2});
    list.remove(two);
    list.remove(three);
    CHECK(list.empty());
    CHECK(list.front() == nullptr);
}

TEST_CASE("an item is in several intrusive lists at once", "[intrusive_list]") {
    Item one(1), two(2);
    IntrusiveList<Item> list;
    IntrusiveList<Item, Other> other;
    list.push_back(one);
    list.push_back(two);
    other.push_back(two);
    other.push_back(one);
    CHECK(values(other) == std::vector<int>{2, 1});
    list.remove(one);
    CHECK(values(list) == std::vector<int>{2});
    CHECK(values(other) == std::vector<int>{2, 1});
}

}
