#include "module.hpp"

#include <comoq/error.hpp>
#include <comoq/origin.hpp>

#include <cstdio>
#include <string>
#include <vector>

namespace {

int failed = 0;

void check(bool right, const char *what) {
    if (right) return;
    ++failed;
    std::printf("not so: %s\n", what);
}

}  // namespace

int main() {
    check(one::is_not_found(other::not_found()), "a module knows the error of another one");
    check(other::is_not_found(one::not_found()), "a module knows the error of another one");
    check(one::is_not_found(make_error_code(comoq::Error::NotFound)), "a module knows the program's error");
    check(other::not_found() == comoq::Error::NotFound, "the program knows a module's error");
    check(one::not_found() == other::not_found(), "codes of two modules are equal");

    const auto origin = one::make_origin();
    auto producer = origin->producer();
    std::vector<comoq::BroadcastPublish> guards;
    for (int i = 0; i < 100; ++i) guards.push_back(producer.create_broadcast("a/" + std::to_string(i)));
    check(one::has(*origin, "a/7") && other::has(*origin, "a/93"), "what the program has announced is found by modules");

    const int &in_one = one::wait_for(*origin, "b"), &in_other = other::wait_for(*origin, "b");
    guards.push_back(producer.create_broadcast("b"));
    check(in_one == 1, "a coroutine of the module that has made the origin is resumed");
    check(in_other == 1, "a coroutine of another module is resumed");
    return failed;
}
