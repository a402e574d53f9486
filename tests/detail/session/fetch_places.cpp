// Which of the groups that are fetched from a peer have a place: by priority, with a share for each track, and bounded.
#include <comoq/detail/session/fetch_places.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <random>
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

TEST_CASE("places for fetches: in any history the bounds hold, and no place is free while a fetch waits that may have it",
          "[session][fetch_places]") {
    std::mt19937_64 random(seed("places for fetches"));
    FetchPlaces places(bounds(8, 3, 20, 10));
    std::list<Ticket> tickets;
    const std::vector<int> tracks(6);
    for (int step = 0; step < 5000; ++step) {
        if (random() % 2 == 0) {
            tickets.emplace_back(places, &tracks[random() % tracks.size()], static_cast<std::uint8_t>(random() % 3));
        } else if (!tickets.empty()) {
            auto one = std::next(tickets.begin(), static_cast<std::ptrdiff_t>(random() % tickets.size()));
            if (random() % 4 == 0) {
                one->answered();
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
