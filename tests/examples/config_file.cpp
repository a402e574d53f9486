// The relay's options in a file.
#include "relay/config_file.hpp"

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "shared/command_line.hpp"

#include "support/catch.hpp"

namespace config_file_tests {

namespace {

using Texts = std::vector<std::string>;

Texts read(std::string_view toml) {
    Texts all;
    for (const auto &each : read_config(toml, "x.toml")) all.push_back(fmt::format("{} {} {}", each.line, each.name, each.value));
    return all;
}

std::string flaw_of(std::string_view toml) {
    try {
        read(toml);
    } catch (const UsageError &error) {
        return error.what();
    }
    return "none";
}

/// A command line of two options, and a file.
struct Scene {
    Scene() {
        line.option("--listen", [this](std::string_view value) { taken.emplace_back(value); });
        line.option("--threads", [this](std::string_view value) { taken.push_back(std::to_string(number_from("--threads", value, 1, 9))); });
    }
    Scene(const Scene &) = delete;
    Scene &operator=(const Scene &) = delete;
    ~Scene() { std::filesystem::remove(file); }
    /// What is wrong, without the name of the file.
    std::string take(const std::string &toml, const std::set<std::string, std::less<>> &said = {}) {
        std::ofstream(file) << toml;
        try {
            take_config(file, line, said);
        } catch (const UsageError &error) {
            return std::string(error.what()).substr(file.size());
        }
        return "";
    }
    CommandLine line;
    Texts taken;
    const std::string file =
        (std::filesystem::temp_directory_path() / fmt::format("comoq-{}.toml", static_cast<const void *>(this))).string();
};

}  // namespace

TEST_CASE("the relay's file of options: texts, numbers and arrays of them, in the order of the file", "[examples]") {
    CHECK(read("# nothing\n").empty());
    CHECK(read("listen = [\"ws://a:1\",\n  'tcp://b:2']\n\nmax-sessions = 4_096\nlog = \"debug\"\nauth-audience = ''\n") ==
          Texts{"1 --listen ws://a:1", "2 --listen tcp://b:2", "4 --max-sessions 4096", "5 --log debug", "6 --auth-audience "});
}

TEST_CASE("the relay's file of options: what is none is refused with its line", "[examples]") {
    CHECK(flaw_of("threads = 1.5") == "x.toml:1: 'threads' takes a text or a number");
    CHECK(flaw_of("\nweb = true") == "x.toml:2: 'web' takes a text or a number");
    CHECK(flaw_of("listen = [['a']]") == "x.toml:1: 'listen' takes a text or a number");
    CHECK(flaw_of("\n\n[auth]\nkey = 'x'").starts_with("x.toml:3: 'auth' takes"));
    for (const auto *wrong : {"a", "a =", "a = 1\na = 2", "a = \"", "a = 'x' b = 'y'", "= 1", "a = 1\x01", "a = '\xff'"}) {
        INFO(wrong);
        CHECK(flaw_of(wrong).starts_with("x.toml:"));
        CHECK(flaw_of(wrong).find('\n') == std::string::npos);
    }
}

TEST_CASE("the relay's file of options: what the command line says counts, and nothing of it is taken from the file", "[examples]") {
    Scene scene;
    CHECK(scene.take("listen = ['a', 'b']\nthreads = 3").empty());
    CHECK(scene.taken == Texts{"a", "b", "3"});
    scene.taken.clear();
    CHECK(scene.take("listen = ['a', 'b']\nthreads = 3", {"--listen"}).empty());
    CHECK(scene.taken == Texts{"3"});
}

TEST_CASE("the relay's file of options: an unknown key, and a value that the option refuses, are named with their line", "[examples]") {
    Scene scene;
    CHECK(scene.take("listen = 'a'\nlisen = 'b'") == ":2: there is no option 'lisen'");
    CHECK(scene.take("\nthreads = 10") == ":2: --threads takes a number from 1 to 9, not '10'");
    CHECK(scene.take("config = 'x'") == ":1: there is no option 'config'");
    CHECK(scene.take("\"--listen\" = 'x'") == ":1: there is no option '--listen'");
    std::filesystem::remove(scene.file);
    CHECK_THROWS_AS(take_config(scene.file, scene.line, {}), UsageError);
    CHECK_THROWS_AS(take_config(std::filesystem::temp_directory_path().string(), scene.line, {}), UsageError);
}

}
