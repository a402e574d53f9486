#include <comoq/detail/text/plain_path.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "support/catch.hpp"
#include "support/seed.hpp"

namespace plain_path_tests {

using comoq::detail::parts_of_plain_path;

namespace {

std::size_t naive(std::string_view text) {
    for (const char c : text) {
        if (c < ' ' || c > '~') {
            return 0;
        }
    }
    if (text.find("//") != std::string_view::npos) {
        return 0;
    }
    return 1 + static_cast<std::size_t>(std::count(text.begin(), text.end(), '/'));
}

}  // namespace

TEST_CASE("section 3: the fast check sees every byte at every place", "[plain_path]") {
    std::size_t wrong = 0;
    for (std::size_t size = 1; size <= 26; ++size) {
        for (std::size_t place = 0; place < size; ++place) {
            for (unsigned byte = 0; byte <= 0xff; ++byte) {
                if (byte == '/' && (place == 0 || place + 1 == size)) {
                    continue;
                }
                for (const char filler : {'a', ' ', '~', '.', '0'}) {
                    std::string text(size, filler);
                    text[place] = static_cast<char>(byte);
                    wrong += parts_of_plain_path(text) != naive(text);
                }
            }
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("section 3: the fast check sees every pair of slashes", "[plain_path]") {
    std::size_t wrong = 0;
    for (std::size_t size = 4; size <= 26; ++size) {
        for (std::size_t first = 1; first + 1 < size; ++first) {
            for (std::size_t second = first + 1; second + 1 < size; ++second) {
                std::string text(size, '.');
                text[first] = text[second] = '/';
                wrong += parts_of_plain_path(text) != naive(text);
            }
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("section 3: the fast check agrees with the slow one on random text", "[plain_path]") {
    std::mt19937_64 random(comoq::test::seed("plain_path"));
    const std::string_view letters = "a/b/c~ .-0\x1f\x7f\x80\xff";
    std::size_t plain = 0;
    std::size_t wrong = 0;
    for (int round = 0; round < 200'000; ++round) {
        std::string text(1 + random() % 40, 'x');
        const auto changes = random() % 8;
        for (std::size_t i = 0; i < changes; ++i) {
            text[random() % text.size()] = letters[random() % letters.size()];
        }
        text.front() = text.front() == '/' ? 'y' : text.front();
        text.back() = text.back() == '/' ? 'y' : text.back();
        const auto parts = parts_of_plain_path(text);
        plain += parts != 0;
        wrong += parts != naive(text);
    }
    CHECK(wrong == 0);
    CHECK(plain > 1000);
    CHECK(plain < 199'000);
}

}
