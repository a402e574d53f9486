/// \file A session that serves a track to a peer that asks for parts of it, in the bytes of a version of moq-lite.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include <comoq/detail/lite/asked_start.hpp>
#include <comoq/detail/lite/codec.hpp>
#include <comoq/detail/lite/frame_header.hpp>
#include <comoq/detail/lite/messages.hpp>
#include <comoq/lite/session.hpp>

#include "lite/raw_peer.hpp"
#include "lite/scene.hpp"
#include "support/manual_clock.hpp"
#include "support/media.hpp"
#include "support/run.hpp"

namespace comoq::test {

inline constexpr lite::Version draft_05 = lite::Version::Draft05, draft_06 = lite::Version::Draft06;

inline MemoryLinkConfig speaking(lite::Version version) {
    MemoryLinkConfig config;
    config.protocol = version == draft_06 ? "moq-lite-06" : "moq-lite-05";
    return config;
}

template <class Type, class Message> Octets opening_in(lite::Version version, Type type, const Message &message) {
    Octets octets;
    lite::encode_typed(type, message, version, octets);
    return octets;
}

/// The frames at the front of `octets`, as "1500 g1f1": the timestamp and the payload.
inline std::vector<std::string> frames_in(std::span<const std::byte> octets) {
    std::vector<std::string> frames;
    std::int64_t time = 0;
    while (const auto read = lite::read_frame_header(octets)) {
        const auto size = static_cast<std::size_t>(read->header.size);
        if (octets.size() < read->size + size) break;
        time += read->header.delta;
        const auto payload = octets.subspan(read->size, size);
        frames.push_back(std::to_string(time) + " " +
                         std::string(reinterpret_cast<const char *>(payload.data()), payload.size()));
        octets = octets.subspan(read->size + size);
    }
    return frames;
}

/// The groups that a peer has got: streams in the order in which they came.
class GotGroups {
public:
    GotGroups(asio::io_context &context, std::shared_ptr<Transport> transport, lite::Version version) : version_(version) {
        asio::co_spawn(context, accept(std::move(transport), got_), asio::detached);
    }
    /// Each group of that subscription as "5+1: 5500 g5f1, fin": number, first frame if that is not 0, and its frames.
    std::vector<std::string> of(std::uint64_t subscription) const {
        std::vector<std::string> groups;
        for (const auto &got : *got_) {
            if (got->octets.empty() || got->octets.front() != static_cast<std::byte>(lite::UniStreamType::Group)) continue;
            std::error_code failure;
            const auto rest = std::span(got->octets).subspan(1);
            const auto framed = lite::next_message(rest, failure);
            if (!framed) continue;
            const auto header = lite::decode<lite::Group>(framed->body, version_);
            if (!header || header->subscribe_id != subscription) continue;
            std::string text = std::to_string(header->sequence);
            if (header->first_frame != 0) text += "+" + std::to_string(header->first_frame);
            text += ":";
            for (const auto &frame : frames_in(rest.subspan(framed->size))) text += " " + frame + ",";
            if (got->ended) text += " fin";
            if (got->number) text += " reset " + std::to_string(*got->number);
            groups.push_back(std::move(text));
        }
        return groups;
    }
    /// The numbers of its groups, sorted.
    std::vector<std::uint64_t> numbers(std::uint64_t subscription) const {
        std::vector<std::uint64_t> all;
        for (const auto &group : of(subscription)) all.push_back(std::stoull(group));
        std::sort(all.begin(), all.end());
        return all;
    }

private:
    using All = std::shared_ptr<std::vector<std::shared_ptr<Answer>>>;
    static asio::awaitable<void> accept(std::shared_ptr<Transport> transport, All to) {
        while (true) {
            auto stream = co_await transport->accept_uni();
            to->push_back(std::make_shared<Answer>());
            auto reading = read_answer(std::move(stream), lite::version_of(transport->protocol()), to->back());
            asio::co_spawn(transport->executor(), std::move(reading), asio::detached);
        }
    }

    const lite::Version version_;
    All got_ = std::make_shared<std::vector<std::shared_ptr<Answer>>>();
};

/// A broadcast "a" with a track "video", whose groups are a second apart, each of two frames half a second apart.
struct BoundsScene : HostileScene {
    explicit BoundsScene(lite::Version spoken, TrackInfo info = kept_for(std::chrono::minutes(1)))
        : BoundsScene(spoken, std::move(info), speaking(spoken)) {}
    BoundsScene(lite::Version spoken, TrackInfo info, MemoryLinkConfig link_config)
        : HostileScene(std::move(link_config)), version(spoken) {
        there = clock.origin();
        video = publish("a", "video", info);
    }
    static TrackInfo kept_for(std::chrono::milliseconds time) {
        TrackInfo info;
        info.max_latency = time;
        return info;
    }
    static std::string text(std::uint64_t group, std::uint64_t frame) {
        return "g" + std::to_string(group) + "f" + std::to_string(frame);
    }
    static void write(GroupProducer &group, std::uint64_t frame) {
        group.write_frame(payload(text(group.sequence(), frame)),
                          Timestamp(1000 * group.sequence() + 500 * frame, Timescale(1000)));
    }
    /// Writes the next groups.
    void write_groups(int count, std::uint64_t frames = 2) {
        for (; count != 0; --count) {
            auto group = video.append_group();
            for (std::uint64_t frame = 0; frame < frames; ++frame) write(group, frame);
            group.finish();
        }
    }
    void begin_peer() {
        auto &raw = begin();
        got.emplace(context, link.client(), version);
        raw.send_uni(opening_in(version, lite::UniStreamType::Setup, lite::Setup()));
        run();
    }

    /// A stream on which the peer has asked. Destroying it resets what is open of it.
    struct Asking {
        std::unique_ptr<SendStream> send;
        std::shared_ptr<Answer> answer = std::make_shared<Answer>();
        std::vector<std::string> replies() const { return test::replies(*answer); }
        std::vector<std::string> frames() const { return frames_in(answer->octets); }
    };
    Asking ask(Octets octets) {
        auto stream = run_to_end(context, link.client()->open_bidi());
        Asking asking;
        asking.send = std::move(stream.send);
        asio::co_spawn(context, read_answer(std::move(stream.receive), version, asking.answer), asio::detached);
        say(asking, std::move(octets));
        return asking;
    }
    void say(Asking &on, Octets octets) {
        run_to_end(context, on.send->write(Bytes(std::move(octets))));
        run();
    }
    Asking subscribe(std::uint64_t id, const Subscription &wishes, lite::FrameBounds frames = {}) {
        const lite::Subscribe message{id, "a", "video", wishes, frames};
        return ask(opening_in(version, lite::BidiStreamType::Subscribe, message));
    }
    void update(Asking &on, const Subscription &wishes, lite::FrameBounds frames = {}) {
        Octets octets;
        lite::encode(lite::SubscribeUpdate{wishes, frames}, version, octets);
        say(on, std::move(octets));
    }
    Asking fetch(std::uint64_t group, std::uint64_t first = 0, std::optional<std::uint64_t> last = {}) {
        const lite::Fetch message{"a", "video", 0, group, {first, last}};
        return ask(opening_in(version, lite::BidiStreamType::Fetch, message));
    }

    const lite::Version version;
    ManualClock clock;
    TrackProducer video;
    std::optional<GotGroups> got;
};

}  // namespace comoq::test
