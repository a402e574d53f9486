#include "rights.hpp"

#include "shared/command_line.hpp"

#include <comoq/lite/request_target.hpp>

#include <fmt/format.h>
#include <string>
#include <system_error>
#include <utility>

namespace {

comoq::Path path_from(std::string_view option, std::string_view text, std::string_view typed) {
    try {
        return comoq::Path(text);
    } catch (const std::system_error &) {
        throw UsageError(fmt::format("{} takes a path, and {} is none", option, in_quotes(typed)));
    }
}

void add(std::optional<std::vector<comoq::Path>> &to, std::string_view option, std::string_view pattern) {
    if (!to) {
        to.emplace();
    }
    if (pattern.empty()) {
        return;
    }
    std::string_view prefix = pattern;
    if (prefix == "**") {
        prefix = "";
    } else if (prefix.ends_with("/**")) {
        prefix.remove_suffix(3);
    }
    if (prefix.find('*') != std::string_view::npos) {
        throw UsageError(fmt::format("{} takes a path, or a path and /** for what is below it, or **, and not {}", option, in_quotes(pattern)));
    }
    to->push_back(path_from(option, prefix, pattern));
}

// Either half of an origin.
template <class Half>
std::optional<Half> limited(std::optional<Half> half, const std::vector<comoq::Path> &allowed,
                            const std::optional<std::vector<comoq::Path>> &patterns) {
    if (!allowed.empty()) {
        half = half->scope(allowed);
    }
    if (half && patterns) {
        half = half->scope(*patterns);
    }
    return half;
}

// Nothing if that is nothing.
std::optional<comoq::lite::SessionViews> below_root(std::string_view target, std::optional<comoq::OriginConsumer> watch,
                                                    std::optional<comoq::OriginProducer> publish) {
    const comoq::lite::SessionViews all(std::move(watch), std::move(publish));
    try {
        const auto root = comoq::lite::read_target(target).root;
        auto views = root.empty() ? all : all.below(root.view());
        return views.empty() ? std::nullopt : std::optional(std::move(views));
    } catch (const std::system_error &) {
        // No path.
        return std::nullopt;
    }
}

}  // namespace

void Rights::allow(std::string_view prefix) {
    auto path = path_from("--path-allow", prefix, prefix);
    // It would allow everything, and is rather a variable that was not set.
    if (path.empty()) {
        throw UsageError("--path-allow takes a path, and an empty one limits nothing: leave it out to allow everything");
    }
    allowed_.push_back(std::move(path));
}

void Rights::let_publish(std::string_view pattern) { add(publish_, "--public-publish", pattern); }

void Rights::let_watch(std::string_view pattern) { add(watch_, "--public-subscribe", pattern); }

std::optional<comoq::lite::SessionViews> Rights::at(std::string_view target, const comoq::Origin &origin) const {
    const std::optional<Prefixes> none(std::in_place);
    return below_root(target, limited(std::optional(origin.consumer()), allowed_, is_closed_ && !watch_ ? none : watch_),
                      limited(std::optional(origin.producer()), allowed_, is_closed_ && !publish_ ? none : publish_));
}

std::optional<comoq::lite::SessionViews> Rights::at(std::string_view target, const comoq::Origin &origin, const Reach &of_token) const {
    return below_root(target, limited(std::optional(origin.consumer()), allowed_, std::optional(of_token.watch)),
                      limited(std::optional(origin.producer()), allowed_, std::optional(of_token.publish)));
}
