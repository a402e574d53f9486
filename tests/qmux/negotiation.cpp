#include <comoq/qmux/negotiation.hpp>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"

namespace negotiation_tests {

using namespace comoq;
using qmux::choose_protocol;
using qmux::choose_subprotocol;
using qmux::Subprotocol;
using qmux::Version;

namespace {

constexpr std::array<std::string_view, 1> lite = {"moq-lite-05"};
constexpr std::array<std::string_view, 2> both = {"moq-lite-06", "moq-lite-05"};

constexpr Subprotocol old_lite{Version::Draft01, "moq-lite-05"};
constexpr Subprotocol new_lite{Version::Draft02, "moq-lite-05"};

}  // namespace

TEST_CASE("wire 6 on WebSocket: a subprotocol is named by the draft and the protocol", "[qmux]") {
    CHECK(old_lite.name() == "qmux-01.moq-lite-05");
    CHECK(new_lite.name() == "qmux-02.moq-lite-05");
    CHECK(qmux::offer(lite) == "qmux-02.moq-lite-05, qmux-01.moq-lite-05");
    CHECK(qmux::offer(both) == "qmux-02.moq-lite-06, qmux-01.moq-lite-06, qmux-02.moq-lite-05, qmux-01.moq-lite-05");
    CHECK(qmux::offer({}).empty());
}

TEST_CASE("wire 6 on WebSocket: both drafts are accepted, and the newer one is preferred", "[qmux]") {
    CHECK(choose_subprotocol("qmux-01.moq-lite-05", lite) == old_lite);
    CHECK(choose_subprotocol("qmux-02.moq-lite-05", lite) == new_lite);
    CHECK(choose_subprotocol("qmux-01.moq-lite-05, qmux-02.moq-lite-05", lite) == new_lite);
    CHECK(choose_subprotocol(qmux::offer(lite), lite) == new_lite);
}

TEST_CASE("wire 6 on WebSocket: the server's first choice wins, not the client's", "[qmux]") {
    const Subprotocol newest{Version::Draft01, "moq-lite-06"};
    CHECK(choose_subprotocol("qmux-02.moq-lite-05, qmux-01.moq-lite-06", both) == newest);
    CHECK(choose_subprotocol("qmux-02.moq-lite-05, qmux-01.moq-lite-04", both) == new_lite);
}

TEST_CASE("wire 6 on WebSocket: without a match there is nothing to choose", "[qmux]") {
    for (const std::string_view offered :
         {"", " ", ",", " , ,", "moq-lite-05", "qmux-01", "qmux-02", "qmux-01.", "qmux-00.moq-lite-05",
          "qmux-03.moq-lite-05", "qmux-02.moq-lite-04", "qmux-02.moq-lite-051", "qmux-02.moq-lite-0",
          "xqmux-02.moq-lite-05", "QMUX-02.moq-lite-05", "qmux-02.MOQ-LITE-05", "qmux-02. moq-lite-05",
          "qmux-02 .moq-lite-05", "qmux-02.moq-lite-05 qmux-01.moq-lite-05", "qmux-02.moq-lite-05;",
          "webtransport, qmux-00, qmux-01"}) {
        INFO(offered);
        CHECK_FALSE(choose_subprotocol(offered, lite));
    }
    CHECK_FALSE(choose_subprotocol("qmux-02.moq-lite-05", {}));
}

TEST_CASE("wire 6 on WebSocket: an offer may have spaces, empty parts and unknown names", "[qmux]") {
    for (const std::string_view offered :
         {" qmux-01.moq-lite-05 ", "\tqmux-01.moq-lite-05\t", ",qmux-01.moq-lite-05,", "a,qmux-01.moq-lite-05,b",
          "a , \t qmux-01.moq-lite-05\t , b", ", ,qmux-01.moq-lite-05",
          "qmux-01,qmux-01.moq-lite-05,qmux-00,webtransport"}) {
        INFO(offered);
        CHECK(choose_subprotocol(offered, lite) == old_lite);
    }
}

TEST_CASE("wire 6 on WebSocket: a server's answer is one name out of the offer", "[qmux]") {
    CHECK(qmux::accepted_subprotocol("qmux-01.moq-lite-05", lite) == old_lite);
    CHECK(qmux::accepted_subprotocol(" qmux-02.moq-lite-05", lite) == new_lite);
    CHECK_FALSE(qmux::accepted_subprotocol("", lite));
    CHECK_FALSE(qmux::accepted_subprotocol("qmux-02.moq-lite-06", lite));
    CHECK_FALSE(qmux::accepted_subprotocol("qmux-02.moq-lite-05, qmux-01.moq-lite-05", lite));
}

TEST_CASE("wire 6 on TCP: the choice is the first of the server's protocols that the client has, too", "[qmux]") {
    const std::vector<std::string> server = {"moq-lite-06", "moq-lite-05", "moq-lite-04"};
    CHECK(choose_protocol(server, std::vector<std::string>{"moq-lite-04", "moq-lite-05"}) == "moq-lite-05");
    CHECK(choose_protocol(server, std::vector<std::string>{"moq-lite-05", "moq-lite-06"}) == "moq-lite-06");
    CHECK(choose_protocol(server, server) == "moq-lite-06");
    CHECK_FALSE(choose_protocol(server, std::vector<std::string>{"moq-lite-03", "moq-lite", ""}));
    CHECK_FALSE(choose_protocol(server, {}));
    CHECK_FALSE(choose_protocol({}, server));
}

}
