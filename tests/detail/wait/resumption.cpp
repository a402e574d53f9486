#include <comoq/detail/wait/resumption.hpp>

#include <new>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace resumption_tests {

using comoq::detail::LastAct;
using comoq::detail::ResumeScope;
using comoq::detail::Resumption;

namespace {

struct Note final : Resumption {
    Note(std::vector<int> &list, int number) : order(list), which(number) {}
    void resume() override {
        order.push_back(which);
        if (next != nullptr) {
            ResumeScope scope;
            ResumeScope::push(*next);
        }
    }
    std::vector<int> &order;
    int which;
    Note *next = nullptr;
};

}  // namespace

TEST_CASE("section 2: resumptions run when the outermost scope ends, in order", "[resumption]") {
    std::vector<int> order;
    Note one(order, 1), two(order, 2);
    {
        ResumeScope outer;
        {
            ResumeScope inner;
            ResumeScope::push(one);
            ResumeScope::push(two);
        }
        CHECK(order.empty());
    }
    CHECK(order == std::vector<int>{1, 2});
}

TEST_CASE("section 2: a resumption that another one makes due runs after it, not inside it", "[resumption]") {
    std::vector<int> order;
    Note one(order, 1), two(order, 2), three(order, 3);
    one.next = &three;
    {
        ResumeScope scope;
        ResumeScope::push(one);
        ResumeScope::push(two);
    }
    CHECK(order == std::vector<int>{1, 2, 3});
}

TEST_CASE("section 2: a resumption that throws leaves its thread fit for the next", "[resumption]") {
    struct Thrower final : Resumption {
        void resume() override { throw 1; }
    } thrower;
    std::vector<int> order;
    Note note(order, 1);
    const auto run = [&](Resumption &one) {
        ResumeScope::enter();
        ResumeScope::push(one);
        ResumeScope::leave();
    };
    CHECK_THROWS(run(thrower));
    run(note);
    CHECK(order == std::vector<int>{1});
}

TEST_CASE("section 2: the last act of a destructor comes after the end of all its object's members", "[resumption]") {
    struct Part {
        explicit Part(std::vector<int> &to, int number) : list(to), which(number) {}
        Part(const Part &) = delete;
        Part &operator=(const Part &) = delete;
        ~Part() { list.push_back(which); }
        std::vector<int> &list;
        int which;
    };
    struct Object {
        Object(std::vector<int> &to, Resumption &due) : first(to, 1), second(to, 2), resumption(due) {}
        Object(const Object &) = delete;
        Object &operator=(const Object &) = delete;
        ~Object() {
            last_act.arm();
            ResumeScope scope;
            ResumeScope::push(resumption);
        }
        LastAct last_act;
        Part first, second;
        Resumption &resumption;
    };
    std::vector<int> order;
    Note note(order, 3);
    { Object object(order, note); }
    CHECK(order == std::vector<int>{2, 1, 3});

    // A LastAct that was never armed ends no scope.
    order.clear();
    {
        ResumeScope scope;
        { LastAct unarmed; }
        ResumeScope::push(note);
        CHECK(order.empty());
    }
    CHECK(order == std::vector<int>{3});
}

}
