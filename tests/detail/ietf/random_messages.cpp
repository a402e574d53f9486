#include "detail/ietf/random_messages.hpp"

#include <array>
#include <cstddef>
#include <vector>

#include "detail/ietf/control_case.hpp"
#include "detail/ietf/shown_message.hpp"
#include "support/catch.hpp"
#include "support/seed.hpp"

namespace random_message_tests {

using namespace comoq::ietf;
using namespace comoq::ietf::control_case;

TEST_CASE("ietf 1: random messages of every kind are read as they were written, in every draft", "[ietf]") {
    const auto seed = comoq::test::seed("random_messages");
    for (const Draft draft : all_drafts) {
        RandomFields fields(seed, draft);
        RandomMessages messages(fields);
        std::array<std::size_t, std::variant_size_v<ControlMessage>> seen{};
        for (int i = 0; i != 2000; ++i) {
            const ControlMessage message = messages.next();
            ++seen[message.index()];
            const auto stream = std::holds_alternative<Goaway>(message) ? StreamKind::Request : StreamKind::Control;
            REQUIRE(again(message, draft, stream) == message);
        }
        std::size_t kinds = 0;
        for (const auto count : seen) kinds += count != 0 ? 1 : 0;
        // Draft 16 has six that later ones do not have, and not SUBSCRIBE_TRACKS, PUBLISH_BLOCKED, PUBLISH_STATE_NOTIFY.
        CHECK(kinds == (draft == Draft::Draft16 ? 22u : draft == Draft::Draft18 ? 18u : 19u));
    }
}

}  // namespace random_message_tests
