// The curves, as an SVG: the cost of a unit as its number grows, for us, the yardstick and the peer.
#include "results.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <iterator>
#include <string_view>

namespace comoq::bench {

namespace {

constexpr double width = 400, height = 260, left = 52, right = 14, top = 34, bottom = 40;

/// One panel: cases whose name is a pattern with a number in it.
struct Panel {
    const char *workload;
    const char *title;
    const char *x_title;
    const char *pattern;  // {} is the number
    std::vector<int> numbers;
    /// Instead of the pattern: a curve of ours for each of these, which stands before " x" and the number.
    std::vector<const char *> names = {};
};

struct Curve {
    const char *name;
    const char *colour;
    const char *dashes;
    std::optional<double> (Result::*value)() const;
};

double place(double value, double low, double high, double begin, double end) {
    return begin + (end - begin) * (std::log10(value) - std::log10(low)) / (std::log10(high) - std::log10(low));
}

class Drawing {
public:
    Drawing(const Panel &panel, double x, double y) : panel_(panel), x_(x), y_(y) {}

    void add(const Curve &curve, const std::vector<std::pair<int, double>> &points) {
        for (const auto &[number, value] : points) {
            lowest_ = std::min(lowest_, value);
            highest_ = std::max(highest_, value);
        }
        curves_.emplace_back(&curve, points);
    }

    void draw(std::string &svg) const {
        if (curves_.empty()) return;
        auto out = std::back_inserter(svg);
        const double low = std::pow(10, std::floor(std::log10(lowest_))), high = std::pow(10, std::ceil(std::log10(highest_)));
        const double first = panel_.numbers.front(), last = panel_.numbers.back();
        const double x0 = x_ + left, x1 = x_ + width - right, y0 = y_ + height - bottom, y1 = y_ + top;
        fmt::format_to(out, "<text x=\"{}\" y=\"{}\" font-weight=\"bold\">{}</text>\n", x0, y_ + 18, panel_.title);
        for (double tick = low; tick <= high * 1.01; tick *= 10) {
            const double y = place(tick, low, std::max(high, low * 10), y0, y1);
            fmt::format_to(out, "<path d=\"M{:.1f} {:.1f}H{:.1f}\" stroke=\"#ddd\"/>\n", x0, y, x1);
            fmt::format_to(out, "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{:g}</text>\n", x0 - 6, y + 4, tick);
        }
        for (const int number : panel_.numbers)
            fmt::format_to(out, "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n",
                           place(number, first, last, x0, x1), y0 + 16, number);
        fmt::format_to(out, "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n", (x0 + x1) / 2, y0 + 32,
                       panel_.x_title);
        for (std::size_t i = 0; i < panel_.names.size() && i < curves_.size(); ++i)
            fmt::format_to(out, "<text x=\"{:.1f}\" y=\"{:.1f}\" fill=\"{}\">{}</text>\n", x0 + 8 + 165 * static_cast<double>(i % 2),
                           y1 + 14 + 14 * static_cast<double>(i / 2), curves_[i].first->colour, curves_[i].first->name);
        for (const auto &[curve, points] : curves_) {
            std::string path;
            for (const auto &[number, value] : points) {
                const double x = place(number, first, last, x0, x1), y = place(value, low, std::max(high, low * 10), y0, y1);
                path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x, y);
                fmt::format_to(out, "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"/>\n", x, y, curve->colour);
            }
            fmt::format_to(out, "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\" stroke-dasharray=\"{}\"/>\n", path,
                           curve->colour, curve->dashes);
        }
    }

private:
    const Panel &panel_;
    double x_, y_;
    double lowest_ = 1e9, highest_ = 1;
    std::vector<std::pair<const Curve *, std::vector<std::pair<int, double>>>> curves_;
};

}  // namespace

std::string Results::svg() const {
    const std::vector<int> crowd{10, 100, 1000, 10000, 100000};
    const std::vector<Panel> panels{
        {"W5", "announce, a watcher and event", "watchers", "{}", {1, 100, 10000}},
        {"W7", "deliver a frame, one thread", "subscribers", "64B x{} 1 thread", {1, 8, 64, 1000}},
        {"W7", "deliver a frame, two threads", "subscribers", "64B x{} 2 threads", {1, 8, 64, 1000}},
        {"W6", "write a frame", "frames in the group", "write {}", {512, 8192, 32768}},
        {"W6", "read frames one by one", "frames in the group", "read {}", {512, 8192, 32768}},
        {"W6", "read frames by 64", "frames in the group", "read_frames {}", {512, 8192, 32768}},
        {"W11", "what a subscriber or a group does", "others", "", crowd,
         {"update", "update, remote", "group, groups behind a cap", "group, a capped reader"}},
        {"W11", "one comes and goes", "others", "", crowd, {"join", "join, remote", "watch", "handle"}},
        {"W11", "a request, an announcement, a name", "others", "", crowd,
         {"request", "request, prefixes", "announce", "announce, names", "look up"}},
        {"W11", "bytes for one more", "others", "", crowd,
         {"subscriber bytes", "remote subscriber bytes", "capped reader bytes", "watcher bytes", "handler bytes", "colliding name bytes"}},
    };
    static constexpr std::array<Curve, 3> curves{{
        {"comoq", "#1f6feb", "", &Result::measured},
        {"yardstick", "#8b949e", "2 4", &Result::yardstick},
        {"moq-net", "#d1570a", "7 4", &Result::peer},
    }};
    static constexpr std::array<const char *, 6> colours{"#1f6feb", "#d1570a", "#1a7f37", "#8250df", "#bf3989", "#57606a"};
    constexpr std::size_t columns = 3;
    const std::size_t rows = (panels.size() + columns - 1) / columns;
    std::string svg = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\" font-size=\"12\">\n"
        "<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n",
        width * columns + right, height * static_cast<double>(rows) + 30);
    auto out = std::back_inserter(svg);
    double at = left;
    for (const Curve &curve : curves) {
        fmt::format_to(out,
                       "<path d=\"M{0} 16h30\" stroke=\"{1}\" stroke-width=\"2\" stroke-dasharray=\"{2}\"/>"
                       "<text x=\"{3}\" y=\"20\">{4}</text>\n",
                       at, curve.colour, curve.dashes, at + 36, curve.name);
        at += 130;
    }
    fmt::format_to(out, "<text x=\"{}\" y=\"20\">nanoseconds, where nothing else is said, both axes logarithmic</text>\n", at);
    for (std::size_t i = 0; i < panels.size(); ++i) {
        const Panel &panel = panels[i];
        Drawing drawing(panel, width * static_cast<double>(i % columns), height * static_cast<double>(i / columns) + 30);
        const auto add = [&](const Curve &curve, const auto &case_of) {
            std::vector<std::pair<int, double>> points;
            for (const int number : panel.numbers) {
                const Result *result = find(panel.workload, case_of(number));
                const auto value = result != nullptr ? (result->*curve.value)() : std::nullopt;
                if (value && *value > 0) points.emplace_back(number, *value);
            }
            if (!points.empty()) drawing.add(curve, points);
        };
        std::deque<Curve> own;
        for (const char *name : panel.names) {
            own.push_back({name, colours[own.size()], "", &Result::measured});
            add(own.back(), [&](int number) { return fmt::format("{} x{}", name, number); });
        }
        if (panel.names.empty())
            for (const Curve &curve : curves) add(curve, [&](int number) { return fmt::format(fmt::runtime(panel.pattern), number); });
        drawing.draw(svg);
    }
    return svg + "</svg>\n";
}

}  // namespace comoq::bench
