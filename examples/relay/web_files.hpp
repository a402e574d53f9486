// A directory of files, as a browser asks for them.
#pragma once

#include <comoq/websocket/http_head.hpp>

#include <filesystem>
#include <string>
#include <string_view>

struct WebAnswer {
    comoq::websocket::ResponseHead head;
    std::string body;
};

class WebFiles {
public:
    // Throws std::filesystem::filesystem_error if it is not there.
    explicit WebFiles(const std::filesystem::path &directory) : directory_(std::filesystem::canonical(directory)) {}

    // GET and HEAD of what is in the directory, or below it; index.html for a directory. Nothing outside it, by whatever
    // names or links, and nothing hidden. Any thread.
    WebAnswer answer(const comoq::websocket::RequestHead &request) const;

private:
    std::filesystem::path directory_;
};

// Another status, with a line of text.
WebAnswer refusal(unsigned status, std::string_view reason);
