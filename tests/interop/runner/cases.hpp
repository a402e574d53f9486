// SPDX-License-Identifier: MIT
// The cases of the interop runner (moq-interop-runner, docs/tests), and some more of its kind with data.
#pragma once

#include <comoq/net/connect_config.hpp>

#include <asio/awaitable.hpp>

#include <chrono>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

// Where the relay is, and how it is connected to.
struct Target {
    std::string url;
    comoq::ConnectConfig config;
};

// Something else came than the case expects.
struct Mismatch : std::runtime_error {
    Mismatch(std::string what_was_expected, std::string what_came)
        : runtime_error(what_came + " for " + what_was_expected), expected(std::move(what_was_expected)),
          received(std::move(what_came)) {}
    std::string expected, received;
};

struct Case {
    std::string_view name;
    std::chrono::milliseconds limit;
    // Returns what happened, in words; throws what went wrong.
    asio::awaitable<std::string> (*play)(const Target &target);
};

std::span<const Case> all_cases();

// Which of the drafts the relay takes, as "draft-18". Throws what keeps this side from a session with it.
asio::awaitable<std::string> draft_at(const Target &target);
