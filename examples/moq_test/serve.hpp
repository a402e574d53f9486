// Test tracks, each made while somebody watches it.
#pragma once

#include <comoq/origin.hpp>
#include <comoq/path.hpp>
#include <comoq/with_timeout.hpp>

#include <asio/awaitable.hpp>

#include <functional>
#include <string_view>

struct TestServing {
    // A request has been accepted or refused, a track has begun or ended.
    std::function<void(const comoq::Path &path, std::string_view what)> said;
    comoq::Sleep sleep;
};

// Answers requests for test tracks anywhere in the view of `origin`: a track begins with its first subscriber and ends with its
// last object, or its last subscriber. Any group of it can be fetched, at any time: it follows from the name. Tracks of one path
// that differ in their own names are alike. Returns with the origin; when it is cancelled, it leaves nothing behind.
asio::awaitable<void> serve_tests(comoq::OriginProducer origin, TestServing config);
