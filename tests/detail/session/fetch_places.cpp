// Which of the groups that are fetched from a peer have a place: by priority, with a share for each track, and bounded.
#include <comoq/detail/session/fetch_places.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include "support/catch.hpp"
#include "support/seed.hpp"
#include "support/settle.hpp"

namespace fetch_places_tests {

using namespace comoq::test;
using comoq::detail::FetchPlaces;
using Ticket = FetchPlaces::Ticket;
using State = Ticket::State;

namespace {

FetchPlaces::Bounds bounds(std::size_t places, std::size_t share, std::size_t waiting = 1000, std::size_t waiting_share = 1000) {
    FetchPlaces::Bounds bounds;
    bounds.places = places;
    bounds.share = share;
    bounds.waiting = waiting;
    bounds.waiting_share = waiting_share;
    return bounds;
}

const int a = 0, b = 0, c = 0;

std::size_t count(const std::list<Ticket> &tickets, State state) {
    return static_cast<std::size_t>(
        std::count_if(tickets.begin(), tickets.end(), [state](const Ticket &one) { return one.state() == state; }));
}

}  // namespace

TEST_CASE("places for fetches: the first fetches have them, and the oldest waiting fetch gets the next free one",
          "[session][fetch_places]") {
    FetchPlaces places(bounds(2, 8));
    auto first = std::make_unique<Ticket>(places, &a, 0);
    auto second = std::make_unique<Ticket>(places, &a, 0);
    auto third = std::make_unique<Ticket>(places, &a, 0);
    auto fourth = std::make_unique<Ticket>(places, &a, 0);
    CHECK(first->state() == State::Placed);
    CHECK(second->state() == State::Placed);
    CHECK(third->state() == State::Waiting);
    auto waiting = wait(third->changed_from(State::Waiting));
    CHECK_FALSE(waiting.done());
    first.reset();
    CHECK(waiting.done());
    CHECK(third->state() == State::Placed);
    CHECK(fourth->state() == State::Waiting);
    // A ticket that waits and leaves costs the others nothing.
    fourth.reset();
    second.reset();
    third.reset();
    CHECK(places.placed() == 0);
    CHECK(places.waiting() == 0);
}

TEST_CASE("places for fetches: the most urgent fetch does not wait behind many that are never answered",
          "[session][fetch_places]") {
    FetchPlaces places;
    std::list<Ticket> slow;
    const std::vector<int> tracks(8);
    for (int i = 0; i < 64; ++i) {
        slow.emplace_back(places, &tracks[static_cast<std::size_t>(i) % 8], std::uint8_t{0});
    }
    CHECK(count(slow, State::Placed) == 64);
    Ticket urgent(places, &a, 255);
    CHECK(urgent.state() == State::Placed);
    CHECK(count(slow, State::Waiting) == 1);
    // Also of a track that has its share already.
    Ticket other(places, &tracks[0], 255);
    CHECK(other.state() == State::Placed);
    CHECK(places.placed() == 64);
}

TEST_CASE("places for fetches: a fetch whose answer has begun keeps its place", "[session][fetch_places]") {
    FetchPlaces places(bounds(1, 1));
    Ticket slow(places, &a, 0);
    slow.answered();
    CHECK(slow.state() == State::Answered);
    Ticket urgent(places, &b, 255);
    CHECK(urgent.state() == State::Waiting);
    Ticket more_urgent(places, &a, 255);
    CHECK(more_urgent.state() == State::Waiting);
}

TEST_CASE("places for fetches: a track has its share, and gives of it to tracks that have less", "[session][fetch_places]") {
    FetchPlaces places(bounds(6, 4));
    std::list<Ticket> of_a, of_b, of_c;
    for (int i = 0; i < 10; ++i) {
        of_a.emplace_back(places, &a, std::uint8_t{3});
    }
    CHECK(count(of_a, State::Placed) == 4);
    for (int i = 0; i < 10; ++i) {
        of_b.emplace_back(places, &b, std::uint8_t{3});
    }
    CHECK(count(of_a, State::Placed) == 3);
    CHECK(count(of_b, State::Placed) == 3);
    of_c.emplace_back(places, &c, std::uint8_t{3});
    CHECK(of_c.front().state() == State::Placed);
    CHECK(places.placed() == 6);
    of_b.clear();
    CHECK(count(of_a, State::Placed) == 4);
}

TEST_CASE("places for fetches: the number of waiting fetches is bounded, and the least urgent is refused",
          "[session][fetch_places]") {
    FetchPlaces places(bounds(1, 1, 3, 2));
    Ticket placed(places, &a, 0);
    Ticket low(places, &a, 0), middle(places, &a, 0);
    Ticket one_too_many(places, &a, 0);
    CHECK(one_too_many.state() == State::Refused);
    Ticket urgent(places, &a, 9);  // takes the place
    CHECK(urgent.state() == State::Placed);
    CHECK(placed.state() == State::Waiting);
    CHECK(places.waiting() == 2);
    CHECK(middle.state() == State::Refused);
    Ticket other(places, &b, 9);
    CHECK(other.state() == State::Waiting);
    Ticket another(places, &b, 9);
    // Of all tracks together.
    CHECK(another.state() == State::Waiting);
    CHECK(low.state() == State::Refused);
    CHECK(places.waiting() == 3);
}

TEST_CASE("places for fetches: askers have equal shares, whatever their priorities", "[session][fetch_places]") {
    FetchPlaces places(bounds(8, 100));
    const std::uint64_t greedy = 1, other = 2, third = 3;
    std::list<Ticket> urgent, low;
    for (int i = 0; i < 20; ++i) urgent.emplace_back(places, &a, std::uint8_t{255}, std::span(&greedy, 1));
    CHECK(count(urgent, State::Placed) == 8);
    for (int i = 0; i < 6; ++i) {
        low.emplace_back(places, &b, std::uint8_t{0}, std::span(&other, 1));
        CHECK(count(low, State::Placed) == std::min<std::size_t>(low.size(), 4));
    }
    CHECK(count(urgent, State::Placed) == 4);
    Ticket of_third(places, &a, 0, std::span(&third, 1));
    CHECK(of_third.state() == State::Placed);
    // A more urgent one of an asker takes the place of his own.
    Ticket more(places, &b, 1, std::span(&other, 1));
    CHECK(more.state() == State::Placed);
    CHECK(places.placed() == 8);
    urgent.clear();
    CHECK(count(low, State::Placed) == 6);
}

TEST_CASE("places for fetches: a question of several askers counts for the one with fewest, and follows them", "[session][fetch_places]") {
    FetchPlaces places(bounds(4, 100, 6));
    const std::vector<std::uint64_t> greedy{1}, both{2, 1}, other{2};
    std::list<Ticket> urgent;
    for (int i = 0; i < 8; ++i) urgent.emplace_back(places, &a, std::uint8_t{255}, greedy);
    // He has joined it, more urgently: it is still the other's.
    Ticket shared(places, &b, 255, both);
    CHECK(shared.state() == State::Placed);
    CHECK(count(urgent, State::Placed) == 3);
    shared.set_wishes(255, greedy);
    Ticket low(places, &b, 0, other);
    CHECK(low.state() == State::Placed);
    low.set_wishes(9, both);
    CHECK(low.state() == State::Placed);
    // Of too many that wait, the one with most of them loses the least urgent.
    Ticket second(places, &b, 0, other), third(places, &b, 0, other), fourth(places, &b, 0, other);
    for (const auto *ticket : {&second, &third, &fourth}) CHECK(ticket->state() != State::Refused);
    CHECK(count(urgent, State::Refused) >= 2);
    CHECK(places.waiting() <= 6);
}

TEST_CASE("places for fetches: a question that becomes more urgent goes first from then on", "[session][fetch_places]") {
    FetchPlaces places(bounds(1, 1));
    Ticket first(places, &a, 5), second(places, &b, 0);
    CHECK(second.state() == State::Waiting);
    auto placed = wait(second.changed_from(State::Waiting));
    second.set_wishes(6, {});
    CHECK(placed.done());
    CHECK(second.state() == State::Placed);
    CHECK(first.state() == State::Waiting);
    second.set_wishes(4, {});
    CHECK(first.state() == State::Placed);
}

TEST_CASE("places for fetches: in any history the bounds hold, and no place is free while a fetch waits that may have it",
          "[session][fetch_places]") {
    std::mt19937_64 random(seed("places for fetches"));
    FetchPlaces places(bounds(8, 3, 20, 10));
    std::list<Ticket> tickets;
    const std::vector<int> tracks(6);
    const auto askers = [&random] {
        std::vector<std::uint64_t> some(random() % 4);
        for (auto &one : some) one = random() % 5;
        return some;
    };
    for (int step = 0; step < 5000; ++step) {
        if (random() % 2 == 0) {
            const auto who = askers();
            tickets.emplace_back(places, &tracks[random() % tracks.size()], static_cast<std::uint8_t>(random() % 3), who);
        } else if (!tickets.empty()) {
            auto one = std::next(tickets.begin(), static_cast<std::ptrdiff_t>(random() % tickets.size()));
            if (random() % 4 == 0) {
                one->answered();
            } else if (random() % 3 == 0) {
                one->set_wishes(static_cast<std::uint8_t>(random() % 3), askers());
            } else {
                tickets.erase(one);
            }
        }
        CHECK(places.placed() <= 8);
        CHECK(places.waiting() <= 20);
        CHECK(places.placed() == count(tickets, State::Placed) + count(tickets, State::Answered));
        CHECK(places.waiting() == count(tickets, State::Waiting));
        // With six tracks of three places each, a free place means that every waiting ticket is of a track with its
        // share.
        if (places.placed() < 8 && places.waiting() > 0) {
            CHECK(places.placed() >= 3);
        }
    }
    tickets.clear();
    CHECK(places.placed() == 0);
    CHECK(places.waiting() == 0);
}

}
