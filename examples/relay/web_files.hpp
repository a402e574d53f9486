// A directory of files for browsers.
#pragma once

#include <comoq/websocket/http_head.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

// An answer: its head, and a line of text or a file, which is read while it is sent.
struct WebAnswer {
    comoq::websocket::ResponseHead head;
    std::string text;
    std::ifstream file;
    std::uintmax_t size = 0;  // of the body, in bytes
};

class WebFiles {
public:
    // Throws std::filesystem::filesystem_error if the directory does not exist.
    explicit WebFiles(const std::filesystem::path &directory) : directory_(std::filesystem::canonical(directory)) {}

    // Answers GET and HEAD for files in the directory, or below it; index.html for a directory. It serves nothing
    // outside it, by whatever names or links, and nothing hidden. Any thread.
    WebAnswer answer(const comoq::websocket::RequestHead &request) const;

private:
    std::filesystem::path directory_;
};

inline constexpr std::string_view plain_text = "text/plain; charset=utf-8";

// For an answer that nobody keeps, and that pages of any origin may read: it is public, and a browser sends no token by itself.
void add_common_fields(comoq::websocket::ResponseHead &head, std::string_view type);

// Such an answer, whole.
WebAnswer brief_answer(std::string text, std::string_view type = plain_text);

// The answer to a client that is not let in, with 401 if a token might change that, 503 if nobody can say, or
// 403.
WebAnswer not_let_in(unsigned status);

// Answers with another status and a line of text.
WebAnswer refusal(unsigned status, std::string_view reason);
