// The command lines of the programs that connect to a relay.
#pragma once

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// An error in a command line, in one line.
class UsageError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// A user's text for a message: in quotes and on one line, whatever it contains.
std::string in_quotes(std::string_view typed);

// A whole number within bounds, or UsageError.
std::size_t number_from(std::string_view option, std::string_view text, std::size_t least, std::size_t most);

// The syntax of a command line: options with a value, options without one, and words.
class CommandLine {
public:
    using Take = std::function<void(std::string_view value)>;

    // The name is as typed, --stats for example. It may occur several times; `take` may throw UsageError.
    void option(std::string name, Take take) { options_.push_back({std::move(name), std::move(take), true}); }
    void flag(std::string name, std::function<void()> take) {
        options_.push_back({std::move(name), [take = std::move(take)](std::string_view) { take(); }, false});
    }
    // Words are optional here: a program that needs them checks that they came.
    void word(Take take) { words_.push_back(std::move(take)); }

    // Sets an option that has a value, as typing it does. False if there is none of that name; throws what its `take` throws.
    bool take(std::string_view name, std::string_view value) const;

    // False if help is requested. Throws UsageError. Takes --option VALUE and --option=VALUE.
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

// The main() of all these programs: parses, runs, and reports errors on standard error. The exit code is 0 if `run`
// returned true or help was requested, 1 if it returned false or threw, 2 for a UsageError.
int run_main(std::string_view program, std::string_view usage, const CommandLine &line, int argc, char **argv,
             const std::function<bool()> &run);
