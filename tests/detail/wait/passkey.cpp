// The promise: what a public class has for the library alone takes a key, so that a program reaches the states behind the
// handles only if it names `detail`. The compiler checks all of it.
#include <comoq/comoq.hpp>
#include <comoq/lite/setup.hpp>
#include <comoq/transport.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "support/catch.hpp"

namespace passkey_tests {

using namespace comoq;

namespace {

template <class State> using Ptr = std::shared_ptr<State>;

/// A constructor that takes the key before these arguments, and is not there without it, nor with braces in its place.
template <class Handle, class... Args>
constexpr bool takes_key = std::is_constructible_v<Handle, detail::Passkey, Args...> &&
                           !std::is_constructible_v<Handle, Args...> &&
                           !requires(Args... args) { Handle({}, std::forward<Args>(args)...); };

static_assert(takes_key<FrameConsumer, Ptr<detail::FrameReader>>);
static_assert(takes_key<FrameProducer, Ptr<detail::GroupState>, Ptr<detail::FrameState>>);
static_assert(takes_key<GroupConsumer, Ptr<detail::GroupState>>);
static_assert(takes_key<GroupConsumer, Ptr<detail::GroupReader>>);
static_assert(takes_key<GroupProducer, Ptr<detail::GroupState>>);
static_assert(takes_key<TrackConsumer, Ptr<detail::TrackState>>);
static_assert(takes_key<TrackConsumer, Ptr<detail::BroadcastState>, std::string_view>);
static_assert(takes_key<TrackProducer, Ptr<detail::TrackState>>);
static_assert(takes_key<TrackSubscriber, Ptr<detail::SubscriberState>>);
static_assert(takes_key<TrackDynamic, Ptr<detail::TrackState>>);
static_assert(takes_key<GroupRequest, detail::Obligation<detail::TrackState>>);
static_assert(takes_key<BroadcastConsumer, Ptr<detail::BroadcastState>>);
static_assert(takes_key<BroadcastProducer, BroadcastInfo, Ptr<detail::MediaBounds>>);
static_assert(takes_key<BroadcastProducer, detail::EmptyHandle>);
static_assert(takes_key<BroadcastDynamic, Ptr<detail::BroadcastState>>);
static_assert(takes_key<TrackRequest, detail::Obligation<detail::BroadcastState>>);
static_assert(takes_key<OriginPublish, Ptr<detail::OriginState>, detail::OriginState::PublicationPtr>);
static_assert(takes_key<BroadcastPublish, BroadcastProducer, OriginPublish>);
static_assert(takes_key<OriginConsumer, Ptr<detail::OriginState>, Ptr<const detail::OriginView>>);
static_assert(takes_key<OriginProducer, detail::OriginOwner, Ptr<const detail::OriginView>>);
static_assert(takes_key<AnnounceConsumer, Ptr<detail::OriginWatch>>);
static_assert(takes_key<BroadcastRequest, detail::TakenBroadcastRequest>);
static_assert(takes_key<OriginDynamic, Ptr<detail::OriginHandler>>);
static_assert(takes_key<Operation<int>, detail::ReadySource<int>> && takes_key<Operation<int>, detail::AnySource<int>>);
static_assert(takes_key<Pending<int>, detail::ReadySource<int>> && takes_key<Pending<int>, detail::AnySource<int>>);

/// A call that takes the key before its other arguments, and is not there without it.
template <class Handle, class Call>
constexpr bool call_takes_key(Call) {
    return std::is_invocable_v<Call, Handle &, detail::Passkey> && !std::is_invocable_v<Call, Handle &>;
}
constexpr auto state = [](auto &handle, auto... key) -> decltype(handle.state(key...)) { return handle.state(key...); };
constexpr auto view = [](auto &handle, auto... key) -> decltype(handle.view(key...)) { return handle.view(key...); };
constexpr auto live = [](auto &handle, auto... key) -> decltype(handle.live(key...)) { return handle.live(key...); };
constexpr auto leave = [](auto &handle, auto... key) -> decltype(handle.leave(key...)) { return handle.leave(key...); };
constexpr auto accepted_info = [](auto &handle, auto... key) -> decltype(handle.accepted_info(key...)) {
    return handle.accepted_info(key...);
};
constexpr auto frame_there = [](auto &handle, auto... key) -> decltype(handle.frame_there(key...)) {
    return handle.frame_there(key...);
};
constexpr auto take_frames = [](auto &handle, auto... key) -> decltype(handle.take_frames(key..., std::size_t{1})) {
    return handle.take_frames(key..., std::size_t{1});
};
constexpr auto has_chunk = [](auto &handle, auto... key) -> decltype(handle.has_chunk(key...)) { return handle.has_chunk(key...); };
constexpr auto write_now = [](auto &handle, auto... key)
    -> decltype(handle.write_now(key..., std::span<const std::byte>(), std::declval<Bytes &>())) {
    Bytes payload;
    return handle.write_now(key..., std::span<const std::byte>(), payload);
};
constexpr auto frame_again = [](auto &handle, auto... key) -> decltype(handle.frame_again(key..., std::uint64_t{0})) {
    return handle.frame_again(key..., std::uint64_t{0});
};

static_assert(call_takes_key<const BroadcastConsumer>(state) && call_takes_key<const BroadcastProducer>(state));
static_assert(call_takes_key<const TrackProducer>(state) && call_takes_key<const OriginConsumer>(state));
static_assert(call_takes_key<const OriginConsumer>(view) && call_takes_key<const TrackConsumer>(live));
static_assert(call_takes_key<const TrackConsumer>(accepted_info));
static_assert(call_takes_key<GroupConsumer>(take_frames) && call_takes_key<GroupConsumer>(frame_there));
static_assert(call_takes_key<GroupConsumer>(frame_again) && call_takes_key<FrameConsumer>(leave));
static_assert(call_takes_key<const FrameConsumer>(has_chunk) && call_takes_key<SendStream>(write_now));

template <class Function> constexpr bool takes_braces = requires(Function function) { function({}); };
static_assert(takes_braces<void (*)(detail::EmptyHandle)> && !takes_braces<void (*)(detail::Passkey)>);

// The codec alone reads and writes a SETUP.
template <class Message>
constexpr bool is_written_by_all = requires(const Message &message, detail::WireWriter &to) { message.write(to); };
template <class Message>
constexpr bool is_read_by_all = requires(detail::WireReader &from) { Message::read(from); };
static_assert(!is_written_by_all<lite::Setup> && !is_read_by_all<lite::Setup>);

}  // namespace

TEST_CASE("what a handle has for the library takes a key, which holds nothing", "[passkey]") {
    STATIC_REQUIRE(std::is_empty_v<detail::Passkey>);
    STATIC_REQUIRE(std::is_trivially_copyable_v<detail::Passkey>);
    STATIC_REQUIRE(std::is_nothrow_default_constructible_v<detail::Passkey>);
}

}
