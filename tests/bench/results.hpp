/// \file
/// The measurements of a run, and their output formats.
#pragma once

#include "workload.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace comoq::bench {

/// All measurements of one case: one value a round, of which the median counts.
class Result {
public:
    explicit Result(Figure figure) : figure_(std::move(figure)) {}

    const Figure &figure() const noexcept { return figure_; }
    void add(const Figure &round);
    void add_peer(double value) { peer_.push_back(value); }
    void peer_cannot(std::string reason) { peer_reason_ = std::move(reason); }

    double value() const { return median(values_); }
    std::optional<double> measured() const { return maybe(values_); }
    std::optional<double> yardstick() const { return maybe(yardsticks_); }
    std::optional<double> ratio() const;
    std::optional<double> peer() const { return maybe(peer_); }
    /// The peer's value divided by ours: above 1 is ours to win.
    std::optional<double> ahead() const;
    const std::string &peer_reason() const noexcept { return peer_reason_; }

    static double median(std::vector<double> values);

private:
    static std::optional<double> maybe(const std::vector<double> &values) {
        return values.empty() ? std::nullopt : std::optional(median(values));
    }

    Figure figure_;
    std::vector<double> values_, yardsticks_, peer_;
    std::string peer_reason_;
};

class Results {
public:
    void add(const Figure &figure);
    Result *find(const std::string &workload, const std::string &name);
    const Result *find(const std::string &workload, const std::string &name) const;
    void version(std::string what, std::string which) { versions_[std::move(what)] = std::move(which); }

    std::string table() const;
    std::string json() const;
    /// Curves of the costs in W5, W6, W7 and W11 as watchers, frames, subscribers and others grow in number.
    std::string svg() const;

private:
    std::vector<Result> results_;
    std::map<std::string, std::string> versions_;
};

}  // namespace comoq::bench
