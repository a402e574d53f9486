// relay: passes live media between publishers and viewers, over QUIC, WebTransport, WebSocket and TCP, and fetches broadcasts from
// upstream that a viewer requests and nobody announced.
#include "shared/command_line.hpp"
#include "relay/config_file.hpp"
#include "relay/log.hpp"
#include "relay/options.hpp"
#include "relay/server.hpp"

int main(int argc, char **argv) {
    Options options;
    const CommandLine line = command_line(options);
    return run_main("relay", usage, line, argc, argv, [&] {
        if (options.config) {
            const auto said = options.said;
            take_config(*options.config, line, said);
        }
        check(options);
        set_log_level(options.log);
        Server server(options);
        server.run();
        return true;
    });
}
