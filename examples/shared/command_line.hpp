// The command lines of the programs that speak to a relay.
#pragma once

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// What is wrong with a command line, in one line.
class UsageError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// What a user typed as a message shows it: in quotes and on one line, whatever it contains.
std::string in_quotes(std::string_view typed);

// A whole number within bounds, or UsageError.
std::size_t number_from(std::string_view option, std::string_view text, std::size_t least, std::size_t most);

// What may stand on a command line: options with a value, options without one, and words.
class CommandLine {
public:
    using Take = std::function<void(std::string_view value)>;

    // The name is as it is typed, --stats for example. It may come again and again; `take` may throw UsageError.
    void option(std::string name, Take take) { options_.push_back({std::move(name), std::move(take), true}); }
    void flag(std::string name, std::function<void()> take) {
        options_.push_back({std::move(name), [take = std::move(take)](std::string_view) { take(); }, false});
    }
    // Words are optional here: who needs them looks whether they came.
    void word(Take take) { words_.push_back(std::move(take)); }

    // False if help was asked for. Throws UsageError. Takes --option VALUE and --option=VALUE.
    bool parse(int argc, char **argv) const;

private:
    struct Option {
        std::string name;
        Take take;
        bool has_value;
    };
    std::vector<Option> options_;
    std::vector<Take> words_;
};

// What main() does in all of these programs: parses, runs, says what went wrong on standard error. The exit code is 0 if
// `run` gave true or help was asked for, 1 if it gave false or threw, 2 for a UsageError.
int run_main(std::string_view program, std::string_view usage, const CommandLine &line, int argc, char **argv,
             const std::function<bool()> &run);
