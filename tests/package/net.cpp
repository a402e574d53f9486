// As a program that connects by URL is linked: with all that the transports need.
#include <comoq/net/url.hpp>

int main() {
    const auto url = comoq::net::parse_url("wss://example.com/room");
    return url.scheme == "wss" && url.host == "example.com" ? 0 : 1;
}
