// relay: passes live media between publishers and viewers, over WebSocket and TCP, and fetches broadcasts from upstream
// that a viewer requests and nobody announced.
#include "shared/command_line.hpp"
#include "relay/log.hpp"
#include "relay/options.hpp"
#include "relay/server.hpp"

int main(int argc, char **argv) {
    Options options;
    return run_main("relay", usage, command_line(options), argc, argv, [&options] {
        check(options);
        set_log_level(options.log);
        Server server(options);
        server.run();
        return true;
    });
}
