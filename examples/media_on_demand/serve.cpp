#include "serve.hpp"

#include "hang/media_broadcast.hpp"
#include "hang/movie_file.hpp"

#include <comoq/first_of.hpp>
#include <comoq/task_group.hpp>

#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <charconv>
#include <exception>
#include <fmt/format.h>
#include <stdexcept>
#include <utility>

using namespace std::chrono_literals;
using asio::awaitable;

std::optional<WantedFile> wanted_file(std::string_view path) {
    WantedFile wanted;
    const auto mark = path.find('?');
    wanted.name = path.substr(0, mark);
    if (wanted.name.empty() || wanted.name.front() == '.' || wanted.name.find('/') != std::string::npos) {
        return std::nullopt;
    }
    if (mark == std::string_view::npos) {
        return wanted;
    }
    auto query = path.substr(mark + 1);
    if (!query.starts_with("t=")) {
        return wanted;
    }
    query.remove_prefix(2);
    std::uint32_t seconds = 0;
    const auto [end, failure] = std::from_chars(query.data(), query.data() + query.size(), seconds);
    if (failure != std::errc() || (end != query.data() + query.size() && *end != '&')) {
        return std::nullopt;
    }
    wanted.from = std::chrono::seconds(seconds);
    return wanted;
}

namespace {

// What is read of a file before its catalog is written.
constexpr auto surveyed = 5s;

// A part of a coroutine that reads a disk: others have their turn before each.
awaitable<void> let_others_go() {
    const auto executor = co_await asio::this_coro::executor;
    co_await asio::post(executor, asio::use_awaitable);
}

// Frames from that time on, the video from a key frame on, as long as the file goes. Each is sent when it is its turn: what comes earlier
// than the frames behind it makes a live player take those for late.
awaitable<void> play(MediaBroadcast &broadcast, TimedMovie &movie, const Survey &survey, std::chrono::microseconds from,
                     const OnDemandConfig &config) {
    using comoq::hang::MediaKind;
    const bool has_video = std::ranges::any_of(survey.tracks, [](const auto &track) { return track.config.kind == MediaKind::Video; });
    Progress progress;
    std::optional<std::chrono::microseconds> begin;
    const auto began = config.now();
    std::size_t passed = 0;
    while (const auto sample = movie.next()) {
        if (!begin) {
            const bool is_picture = survey.tracks[sample->track].config.kind == MediaKind::Video;
            if (sample->decode_time - survey.begin < from || (has_video && !(is_picture && sample->is_key))) {
                if (++passed % 1000 == 0) co_await let_others_go();
                continue;
            }
            begin = sample->decode_time;
        }
        const auto early = std::chrono::ceil<std::chrono::milliseconds>(began + (sample->decode_time - *begin) - config.now());
        if (early > 0ms) {
            co_await comoq::sleep_for(early, config.sleep);
        }
        // The times of the file: a player that is told of second 60 shows second 60.
        broadcast.write(*sample, std::chrono::microseconds(0), progress);
    }
    if (!begin) {
        throw std::runtime_error("ends before that");
    }
}

awaitable<void> until_unused(comoq::BroadcastProducer broadcast) { co_await broadcast.unused(); }

awaitable<void> serve_one(comoq::OriginProducer origin, comoq::BroadcastRequest request, const OnDemandConfig &config) {
    const auto below = request.absolute_path().strip_prefix(config.prefix);
    const auto wanted = below ? wanted_file(below->view()) : std::nullopt;
    if (!wanted) {
        request.reject(comoq::Error::NotFound);
        co_return;
    }
    const auto path = request.absolute_path();
    const auto file = config.folder / wanted->name;
    std::optional<TimedMovie> movie;
    Survey figures;
    try {
        figures = survey(file, surveyed);
        movie.emplace(file);
    } catch (const std::runtime_error &error) {
        config.said(path, fmt::format("is refused: the file {}", error.what()));
        request.reject(comoq::Error::NotFound);
        co_return;
    }
    auto broadcast = origin.make_broadcast();
    MediaBroadcast media(broadcast, figures.tracks, {});
    if (!request.accept(broadcast.consume())) {
        co_return;
    }
    config.said(path, "begins");
    std::string end = "has no viewer any more";
    try {
        auto first = co_await comoq::first_of(play(media, *movie, figures, wanted->from, config), until_unused(broadcast));
        if (first.index() == 0) {
            media.finish();
            end = "was played to its end";
        }
    } catch (const std::runtime_error &error) {
        end = fmt::format("breaks off: the file {}", error.what());
    }
    // The last frames are on their way until everybody has gone.
    co_await until_unused(broadcast);
    config.said(path, end);
}

}  // namespace

awaitable<void> serve_folder(comoq::OriginProducer origin, OnDemandConfig config) {
    auto handler = origin.with_root(config.prefix.view()).value().dynamic();
    const auto body = [&](comoq::TaskGroup &tasks) -> awaitable<void> {
        while (auto request = co_await handler.requested_broadcast()) {
            // The failure of one is not the failure of the others.
            tasks.spawn(serve_one(origin, std::move(*request), config), [](const std::exception_ptr &) {});
        }
    };
    co_await comoq::with_task_group(body);
}
