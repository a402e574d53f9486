// The keys that tokens are checked by: of a file, or of a folder that has one for each name.
#pragma once

#include "token.hpp"
#include "web_key.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Any thread.
class AuthKeys {
public:
    // Is told of a file that is left out, and why.
    using OnBadFile = std::function<void(const std::string &file, std::string_view why)>;

    // Of a folder: each of its files NAME.jwk is the key of that name. One without a key is left out, so that a mistake in one
    // of them keeps none of the others; tokens of that key are then worth nothing. Throws std::runtime_error, which names the
    // file, for a file without a key, and for a folder that cannot be read or has more than `most_keys`.
    AuthKeys(std::filesystem::path where, bool is_folder, std::string audience, OnBadFile on_bad_file);

    // Reads again if files have come, gone or changed, or `always` is true. True if it did. Throws as above: then the keys that
    // were there stay, until something changes once more. One thread at a time.
    bool renew(bool always);

    // How many keys there are.
    std::size_t size() const;
    TokenVerdict check(std::string_view token, std::chrono::system_clock::time_point now) const;

    static constexpr std::size_t most_keys = 4096;

private:
    using Keys = std::map<std::string, WebKey, std::less<>>;
    using Files = std::vector<std::pair<std::filesystem::path, std::filesystem::file_time_type>>;

    Files files() const;
    std::shared_ptr<const Keys> load(const Files &files) const;

    const std::filesystem::path where_;
    const bool is_folder_;
    const std::string audience_;
    const OnBadFile on_bad_file_;
    Files seen_;  // of `renew`
    mutable std::mutex mutex_;
    std::shared_ptr<const Keys> keys_;
};
