// Where subscribe writes: standard output, or a file.
#pragma once

#include <optional>
#include <string>
#include <string_view>

// A file that is there already keeps its contents until the first byte comes; one that was made for this goes if none has come.
class OutputFile {
public:
    // Throws std::runtime_error if it cannot be written to. Without a name: standard output.
    explicit OutputFile(std::optional<std::string> name);
    OutputFile(const OutputFile &) = delete;
    OutputFile &operator=(const OutputFile &) = delete;
    ~OutputFile();

    // Throws std::runtime_error.
    void write(std::string_view bytes);

private:
    std::optional<std::string> name_;
    int descriptor_;
    bool is_new_ = false, has_begun_ = false;
};
