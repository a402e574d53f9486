#include "results.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace comoq::bench {

double Result::median(std::vector<double> values) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    const auto middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

void Result::add(const Figure &round) {
    values_.push_back(round.value);
    if (round.yardstick) yardsticks_.push_back(*round.yardstick);
}

std::optional<double> Result::ratio() const {
    const auto by = yardstick();
    return by && *by > 0 ? std::optional(value() / *by) : std::nullopt;
}

std::optional<double> Result::ahead() const {
    const auto theirs = peer();
    return theirs && value() > 0 ? std::optional(*theirs / value()) : std::nullopt;
}

void Results::add(const Figure &figure) {
    Result *result = find(figure.workload, figure.name);
    if (result == nullptr) result = &results_.emplace_back(figure);
    result->add(figure);
}

const Result *Results::find(const std::string &workload, const std::string &name) const {
    const auto found = std::find_if(results_.begin(), results_.end(), [&](const Result &result) {
        return result.figure().workload == workload && result.figure().name == name;
    });
    return found != results_.end() ? &*found : nullptr;
}

Result *Results::find(const std::string &workload, const std::string &name) {
    return const_cast<Result *>(std::as_const(*this).find(workload, name));
}

namespace {

std::string figure_text(std::optional<double> value, int digits, std::string_view none = "") {
    return value ? fmt::format("{:.{}f}", *value, *value >= 1000 ? 0 : digits) : std::string(none);
}

std::string json_number(std::optional<double> value) { return value ? fmt::format("{:.6g}", *value) : "null"; }

}  // namespace

std::string Results::table() const {
    std::string text = fmt::format("{:<4} {:<28} {:>10} {:<6} {:>10} {:>7} {:>7} {:>8} {:>10} {:>7}  {}\n", "", "case", "value",
                                   "unit", "yardstick", "ratio", "target", "allocs", "peer", "ahead", "yardstick is");
    auto out = std::back_inserter(text);
    for (const Result &result : results_) {
        const Figure &figure = result.figure();
        const bool missed = figure.target && result.ratio() && *result.ratio() > *figure.target;
        fmt::format_to(out, "{:<4} {:<28} {:>10} {:<6} {:>10} {:>7} {:>7} {:>8} {:>10} {:>7}  {}{}\n", figure.workload,
                       figure.name, figure_text(result.value(), 1), figure.unit, figure_text(result.yardstick(), 1),
                       figure_text(result.ratio(), 2), figure_text(figure.target, 1), figure_text(figure.allocations, 2),
                       result.peer_reason().empty() ? figure_text(result.peer(), 1) : "cannot",
                       figure_text(result.ahead(), 1), figure.yardstick_name, missed ? "  MISSED" : "");
    }
    for (const Result &result : results_)
        if (!result.peer_reason().empty())
            fmt::format_to(out, "{} {}: the peer cannot: {}\n", result.figure().workload, result.figure().name,
                           result.peer_reason());
    return text;
}

std::string Results::json() const {
    std::string text = "{\n  \"versions\": {";
    auto out = std::back_inserter(text);
    const char *separator = "";
    for (const auto &[what, which] : versions_) {
        fmt::format_to(out, "{}\n    \"{}\": \"{}\"", separator, what, which);
        separator = ",";
    }
    text += "\n  },\n  \"results\": [";
    separator = "";
    for (const Result &result : results_) {
        const Figure &figure = result.figure();
        fmt::format_to(out,
                       "{}\n    {{\"workload\": \"{}\", \"case\": \"{}\", \"unit\": \"{}\", \"value\": {}, \"yardstick\": {}, "
                       "\"ratio\": {}, \"target\": {}, \"allocations\": {}, \"peer\": {}, \"ahead\": {}}}",
                       separator, figure.workload, figure.name, figure.unit, json_number(result.value()),
                       json_number(result.yardstick()), json_number(result.ratio()), json_number(figure.target),
                       json_number(figure.allocations), json_number(result.peer()), json_number(result.ahead()));
        separator = ",";
    }
    return text + "\n  ]\n}\n";
}

}  // namespace comoq::bench
