#include "auth_keys.hpp"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace {

// A key of RSA with 16,384 bits and all its private parts has less.
constexpr std::size_t longest_key_file = 64 * 1024;

std::string key_text_of(const std::filesystem::path &file) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream) {
        throw std::runtime_error(std::system_category().message(errno));
    }
    std::string text(longest_key_file + 1, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(stream.gcount()));
    if (text.size() > longest_key_file || text.empty()) {
        throw std::runtime_error(text.empty() ? "it is empty" : "it is too long");
    }
    return text;
}

}  // namespace

AuthKeys::AuthKeys(std::filesystem::path where, bool is_folder, std::string audience, OnBadFile on_bad_file)
    : where_(std::move(where)), is_folder_(is_folder), audience_(std::move(audience)), on_bad_file_(std::move(on_bad_file)), seen_(files()),
      keys_(load(seen_)) {}

AuthKeys::Files AuthKeys::files() const {
    Files all;
    const auto add = [&all](const std::filesystem::path &file) {
        std::error_code missing;
        all.emplace_back(file, std::filesystem::last_write_time(file, missing));
    };
    if (!is_folder_) {
        add(where_);
        return all;
    }
    std::error_code failure;
    for (std::filesystem::directory_iterator each(where_, failure), end; !failure && each != end; each.increment(failure)) {
        if (each->path().extension() == ".jwk") {
            add(each->path());
        }
        if (all.size() > most_keys) {
            throw std::runtime_error(fmt::format("{}: more than {} keys", where_.string(), most_keys));
        }
    }
    if (failure) {
        throw std::runtime_error(fmt::format("{}: {}", where_.string(), failure.message()));
    }
    std::ranges::sort(all);
    return all;
}

std::shared_ptr<const AuthKeys::Keys> AuthKeys::load(const Files &files) const {
    auto keys = std::make_shared<Keys>();
    for (const auto &[file, time] : files) {
        try {
            WebKey key(key_text_of(file));
            const auto name = is_folder_ ? file.stem().string() : key.id();
            if (is_folder_ && (!is_key_id(name) || (!key.id().empty() && key.id() != name))) {
                throw std::runtime_error("the name of the file is not that of the key ('kid')");
            }
            keys->emplace(name, std::move(key));
        } catch (const std::runtime_error &error) {
            if (!is_folder_) {
                throw std::runtime_error(fmt::format("{}: {}", file.string(), error.what()));
            }
            on_bad_file_(file.string(), error.what());
        }
    }
    return keys;
}

bool AuthKeys::renew(bool always) {
    auto now = files();
    if (!always && now == seen_) {
        return false;
    }
    seen_ = std::move(now);
    auto next = load(seen_);
    std::lock_guard lock(mutex_);
    keys_ = std::move(next);
    return true;
}

std::size_t AuthKeys::size() const {
    std::lock_guard lock(mutex_);
    return keys_->size();
}

TokenVerdict AuthKeys::check(std::string_view token, std::chrono::system_clock::time_point now) const {
    // Those of a moment ago: checking a signature takes long.
    const auto keys = [this] {
        std::lock_guard lock(mutex_);
        return keys_;
    }();
    TokenRules rules;
    rules.audience = audience_;
    rules.key = [&keys, this](std::optional<std::string_view> id) -> const WebKey * {
        // The key of a file is taken whatever the token calls it, as moq-relay does.
        if (!is_folder_) {
            return keys->empty() ? nullptr : &keys->begin()->second;
        }
        const auto found = id ? keys->find(*id) : keys->end();
        return found == keys->end() ? nullptr : &found->second;
    };
    return check_token(token, rules, now);
}
