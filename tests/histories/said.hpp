/// \file The words in which histories are told, and the part of a model that they share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <comoq/group.hpp>
#include <comoq/operation.hpp>

namespace comoq::test {

// The events, in words: both sides produce them, and the words must be the same.

inline std::string said(std::error_code code) { return code ? "error " + code.message() : "ok"; }
inline std::string said(const GroupConsumer &group) { return "group " + std::to_string(group.sequence()); }
inline std::string said(const Frame &frame) { return "frame " + std::string(frame.payload.view()); }
inline std::string said(const FrameConsumer &frame) { return "frame of " + std::to_string(frame.size()); }
inline std::string said(std::uint64_t number) { return "number " + std::to_string(number); }
inline std::string said(const std::vector<Frame> &frames) {
    std::string all = "frames";
    for (const auto &frame : frames) {
        all += " " + std::string(frame.payload.view());
    }
    return all;
}
template <class T> std::string said(const std::optional<T> &value) { return value ? said(*value) : "end"; }

template <class T> std::string said(Operation<T> &&operation) {
    const bool ready = operation.ready();
    auto awaiter = std::move(operation).as_tuple().operator co_await();
    if (awaiter.await_ready() != ready) {
        return "ready() lies";
    }
    if (!ready) {
        return "wait";
    }
    auto outcome = awaiter.await_resume();
    return std::get<0>(outcome) ? said(std::get<0>(outcome)) : said(std::get<1>(outcome));
}

/// A group as a plain list of words.
struct GroupModel {
    std::uint64_t sequence = 0;
    std::vector<std::string> frames;
    bool finished = false;
    std::error_code failed;
    bool released = false;
    std::optional<std::pair<std::size_t, std::string>> open;  // the declared size, and the bytes so far

    bool over() const { return finished || failed; }
    std::error_code refusal() const { return finished ? make_error_code(Error::Closed) : failed; }
    void fail(std::error_code code, bool keeps_frames) {
        if (released || (keeps_frames && over())) {
            return;
        }
        failed = code;
        released = !keeps_frames;
        open.reset();
    }
    /// The result for a reader at `at` without a frame to read.
    std::string ending(std::size_t at) const {
        return finished && at >= frames.size() ? "end" : failed ? said(failed) : "wait";
    }
    bool has(std::size_t at) const { return !released && at < frames.size(); }
};
using GroupModelPtr = std::shared_ptr<GroupModel>;

}  // namespace comoq::test
