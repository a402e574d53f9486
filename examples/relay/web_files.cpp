#include "web_files.hpp"

#include "web_route.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <system_error>
#include <utility>

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 14> types = {{
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".ico", "image/x-icon"},
    {".txt", plain_text},
    {".wasm", "application/wasm"},
    {".woff2", "font/woff2"},
    {".mp4", "video/mp4"},
}};

std::string_view type_of(const std::filesystem::path &file) {
    const auto found = std::ranges::find(types, file.extension().string(), &std::pair<std::string_view, std::string_view>::first);
    return found == types.end() ? "application/octet-stream" : found->second;
}

// True if the part of a path is an ordinary name, and is not hidden.
bool is_name(const std::filesystem::path &part) { return !part.empty() && part.native().front() != '.'; }

bool is_below(const std::filesystem::path &file, const std::filesystem::path &directory) {
    return std::mismatch(directory.begin(), directory.end(), file.begin(), file.end()).first == directory.end();
}

}  // namespace

WebAnswer refusal(unsigned status, std::string_view reason) {
    WebAnswer answer;
    answer.head.status = status;
    answer.head.reason = reason;
    answer.head.fields.add("Content-Type", plain_text);
    answer.text = fmt::format("{} {}\n", status, reason);
    answer.size = answer.text.size();
    return answer;
}

WebAnswer not_let_in(unsigned status) {
    constexpr unsigned unauthorized = 401, unavailable = 503;
    auto answer = refusal(status, status == unauthorized ? "Unauthorized" : status == unavailable ? "Service Unavailable" : "Forbidden");
    if (status == unauthorized) {
        answer.head.fields.add("WWW-Authenticate", "Bearer");
    }
    return answer;
}

void add_common_fields(comoq::websocket::ResponseHead &head, std::string_view type) {
    head.fields.add("Content-Type", type);
    head.fields.add("Cache-Control", "no-store");
    head.fields.add("Access-Control-Allow-Origin", "*");
}

WebAnswer brief_answer(std::string text, std::string_view type) {
    WebAnswer answer;
    add_common_fields(answer.head, type);
    answer.text = std::move(text);
    answer.size = answer.text.size();
    return answer;
}

WebAnswer WebFiles::answer(const comoq::websocket::RequestHead &request) const {
    if (request.method != "GET" && request.method != "HEAD") {
        auto answer = refusal(405, "Method Not Allowed");
        answer.head.fields.add("Allow", "GET, HEAD");
        return answer;
    }
    const auto target = std::string_view(request.target).substr(0, request.target.find_first_of("?#"));
    const auto name = percent_decoded(target);
    if (!name || !name->starts_with('/')) {
        return refusal(400, "Bad Request");
    }
    const auto wanted = std::filesystem::path(*name).relative_path();
    for (const auto &part : wanted) {
        // The last part of a directory is empty.
        if (!part.empty() && !is_name(part)) {
            return refusal(404, "Not Found");
        }
    }
    std::error_code failure;
    auto file = std::filesystem::canonical(directory_ / wanted, failure);
    if (!failure && std::filesystem::is_directory(file, failure)) {
        // The browser resolves the page's relative links correctly only if it knows that this is a directory.
        if (!wanted.empty() && !target.ends_with('/')) {
            auto answer = refusal(301, "Moved Permanently");
            answer.head.fields.add("Location", "/" + std::string(target.substr(std::min(target.find_first_not_of('/'), target.size()))) + "/");
            return answer;
        }
        file = std::filesystem::canonical(file / "index.html", failure);
    }
    // Links may have led out of the directory.
    if (failure || !is_below(file, directory_) || !std::filesystem::is_regular_file(file, failure)) {
        return refusal(404, "Not Found");
    }
    WebAnswer answer;
    answer.size = std::filesystem::file_size(file, failure);
    answer.file.open(file, std::ios::binary);
    if (failure || !answer.file) {
        return refusal(404, "Not Found");
    }
    answer.head.fields.add("Content-Type", type_of(file));
    answer.head.fields.add("Cache-Control", "no-cache");
    answer.head.fields.add("X-Content-Type-Options", "nosniff");
    return answer;
}
