#include "log_budget.hpp"

#include <comoq/net/source_limits.hpp>

#include <algorithm>
#include <utility>

namespace {

constexpr std::uint64_t one_line = 1'000;

}  // namespace

// A bucket that was never used is full.
void LogBudget::fill(Bucket &bucket, std::uint64_t at_once, std::uint64_t per_second, Time now) {
    const auto most = at_once * one_line;
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - bucket.last).count();
    if (bucket.last == Time()) {
        bucket.thousandths = most;
        bucket.last = now;
    } else if (passed > 0) {
        // What it would take to be full bounds the product.
        const auto useful = std::min(static_cast<std::uint64_t>(passed), most / per_second + 1);
        bucket.thousandths = std::min(most, bucket.thousandths + useful * per_second);
        bucket.last = now;
    }
}

// A source that may write as much as ever, and has nothing left out, needs no entry.
void LogBudget::forget_the_quiet(Time now) {
    std::erase_if(sources_, [&](const auto &entry) {
        auto bucket = entry.second;
        fill(bucket, limits_.at_once_each, limits_.per_second_each, now);
        return bucket.left_out == 0 && bucket.thousandths == limits_.at_once_each * one_line;
    });
}

LogBudget::Bucket &LogBudget::bucket_of(const asio::ip::address &source, Time now) {
    const auto found = sources_.find(source);
    if (found != sources_.end()) {
        return found->second;
    }
    // It takes a while, and so not for each of thousands of new sources.
    if (sources_.size() >= limits_.most_sources && now - swept_ >= std::chrono::seconds(1)) {
        swept_ = now;
        forget_the_quiet(now);
    }
    return sources_.size() < limits_.most_sources ? sources_[source] : others_;
}

bool LogBudget::take(const asio::ip::address &address, Time now) {
    const auto source = comoq::net::source_of(address);
    std::lock_guard lock(mutex_);
    auto &bucket = bucket_of(source, now);
    fill(bucket, limits_.at_once_each, limits_.per_second_each, now);
    fill(all_, limits_.at_once, limits_.per_second, now);
    if (bucket.thousandths < one_line || all_.thousandths < one_line) {
        ++bucket.left_out;
        return false;
    }
    bucket.thousandths -= one_line;
    all_.thousandths -= one_line;
    return true;
}

LogBudget::LeftOut LogBudget::take_left_out(Time now) {
    std::lock_guard lock(mutex_);
    LeftOut left;
    left.lines = left.lines_of_that = std::exchange(others_.left_out, 0);
    for (auto &[source, bucket] : sources_) {
        const auto lines = std::exchange(bucket.left_out, 0);
        left.lines += lines;
        if (lines > left.lines_of_that) {
            left.most_of = source;
            left.lines_of_that = lines;
        }
    }
    forget_the_quiet(now);
    return left;
}

std::size_t LogBudget::size() const {
    std::lock_guard lock(mutex_);
    return sources_.size();
}
