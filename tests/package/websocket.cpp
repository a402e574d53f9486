#include <comoq/websocket/channel.hpp>
#include <comoq/websocket/upgrade.hpp>

#include <asio/ip/tcp.hpp>

using Channel = comoq::websocket::WebSocketChannel<asio::ip::tcp::socket>;

int main() {
    comoq::websocket::Framing framing(comoq::websocket::Role::Server, 1);
    return sizeof(Channel) != 0 && comoq::websocket::make_key().size() == 24 ? 0 : 1;
}
