// SPDX-License-Identifier: MIT
// Codes: every one is a number of its own, has a text, and arrives where it should.
#include "support/catch.hpp"

#include <comoq/c.h>
#include <comoq/error.hpp>

#include <set>
#include <string>

namespace c_codes_tests {

std::string text_of(std::int32_t code) {
    std::string text(comoq_code_text(code, nullptr, 0), ' ');
    CHECK(comoq_code_text(code, text.data(), text.size() + 1) == text.size());
    return text;
}

TEST_CASE("c: the codes of the library are the negative values of its errors, with their texts") {
    for (int value = 1; value < 64; ++value) {
        const auto error = static_cast<comoq::Error>(value);
        CHECK(text_of(-value) == comoq::make_error_code(error).message());
    }
    CHECK(COMOQ_NOT_FOUND == -static_cast<int>(comoq::Error::NotFound));
    CHECK(COMOQ_MALFORMED_TRACK == -static_cast<int>(comoq::Error::MalformedTrack));
    CHECK(text_of(COMOQ_CANCELLED) == "cancelled");
    CHECK(text_of(0) == "success");
    CHECK(text_of(COMOQ_ERROR_HANDLE) == "not a live handle");
    CHECK(text_of(COMOQ_ERROR_SYSTEM - 2) == "No such file or directory");
}

TEST_CASE("c: an application's number goes through a rejection unchanged, whatever it is") {
    comoq_origin origin = 0;
    comoq_handler handler = 0;
    comoq_queue queue = 0;
    REQUIRE(comoq_origin_create(nullptr, &origin) == 0);
    REQUIRE(comoq_origin_dynamic(origin, &handler) == 0);
    REQUIRE(comoq_queue_create(&queue) == 0);
    std::set<std::int32_t> seen;
    for (const std::uint32_t n : {0u, 1u, 404u, 0xffbfu, 0xffc0u, 0xffcfu, 0xffd0u, 0x1ffbfu, 0x20000u, 0x30000u, 0x7effffffu}) {
        comoq_event event{};
        REQUIRE(comoq_origin_request(origin, comoq_text("x"), queue, n, nullptr, nullptr) == 0);
        REQUIRE(comoq_handler_next(handler, 0, 0, &event, nullptr) == COMOQ_READY);
        CHECK(seen.insert(COMOQ_APP(n)).second);
        CHECK(comoq_request_reject(event.value, COMOQ_APP(n)) == COMOQ_READY);
        comoq_close(event.value);
        REQUIRE(comoq_queue_next(queue, &event, 1, 0) == 1);
        CHECK(event.code == COMOQ_APP(n));
        std::uint32_t number = 1;
        CHECK(comoq_app_code(event.code, &number) == COMOQ_READY);
        CHECK(number == n);
        CHECK(text_of(event.code) == "application error " + std::to_string(n));
    }
    for (const std::int32_t other : {0, 1, -1, -63, COMOQ_CANCELLED, COMOQ_MALFORMED_TRACK, COMOQ_ERROR_HANDLE, COMOQ_ERROR_OTHER,
                                     COMOQ_ERROR_CONNECT - 3, COMOQ_ERROR_CERTIFICATE - 10, COMOQ_ERROR_SYSTEM - 111})
        CHECK(comoq_app_code(other, nullptr) == 0);
    comoq_close(handler);
    comoq_close(queue);
    comoq_close(origin);
}

TEST_CASE("c: a text that does not fit is cut off, and ends with a 0") {
    char text[4] = {'x', 'x', 'x', 'x'};
    CHECK(comoq_code_text(COMOQ_NOT_FOUND, text, 4) == 9);
    CHECK(std::string(text) == "not");
    CHECK(comoq_code_text(COMOQ_NOT_FOUND, text, 0) == 9);
}

}  // namespace c_codes_tests
