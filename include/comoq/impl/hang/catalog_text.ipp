// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "../../hang/catalog.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

namespace comoq::hang {

namespace detail {

/// Readers in JavaScript take whole numbers up to this one: 2^53 - 1.
inline constexpr double largest_whole = 9007199254740991.0;

// The members of its objects are sorted: others would be looked for one by one, and a peer can send a hundred thousand.
using Json = nlohmann::json;

[[noreturn]] inline void bad_catalog(const std::string &why) { throw std::system_error(make_error_code(Error::Decode), "catalog: " + why); }

/// How many objects and lists are in one another, before anything is made of them.
inline std::size_t depth_of(std::string_view json) {
    std::size_t depth = 0, deepest = 0;
    bool in_text = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (in_text && c == '\\') ++i;
        if (c == '"') in_text = !in_text;
        if (in_text) continue;
        if (c == '{' || c == '[') deepest = std::max(deepest, ++depth);
        if ((c == '}' || c == ']') && depth != 0) --depth;
    }
    return deepest;
}

inline Json parse_json(std::string_view text) {
    if (text.size() > max_catalog_size || depth_of(text) > max_catalog_depth) {
        throw std::system_error(make_error_code(Error::BoundsExceeded), "catalog: too large, or too deep");
    }
    auto json = Json::parse(text.begin(), text.end(), nullptr, false);
    if (json.is_discarded()) bad_catalog("not JSON");
    if (!json.is_object()) bad_catalog("not a JSON object");
    return json;
}

inline std::string dump(const Json &json) {
    try {
        return json.dump();
    } catch (const Json::exception &) {
        throw std::system_error(make_error_code(Error::Encode), "catalog: a text that is not UTF-8");
    }
}

/// Reads the members of an object, and takes them out: the rest are those that are not known.
class Members {
public:
    Members(std::string place, Json object) : place_(std::move(place)), object_(std::move(object)) {
        if (!object_.is_object()) bad_catalog(place_ + " is not an object");
    }

    /// A member that is null is like one that is not there.
    std::optional<Json> take(const char *name) {
        const auto found = object_.find(name);
        if (found == object_.end()) return std::nullopt;
        auto value = std::move(*found);
        object_.erase(found);
        return value.is_null() ? std::nullopt : std::optional(std::move(value));
    }
    std::optional<std::string> text(const char *name) {
        auto value = take(name);
        if (!value) return std::nullopt;
        if (!value->is_string()) wrong(name, "a text");
        return std::move(value->get_ref<std::string &>());
    }
    std::optional<double> number(const char *name) {
        const auto value = take(name);
        if (!value) return std::nullopt;
        if (!value->is_number()) wrong(name, "a number");
        return value->get<double>();
    }
    std::optional<std::uint64_t> whole(const char *name, double most) {
        const auto value = number(name);
        if (!value) return std::nullopt;
        if (!(*value >= 0 && *value <= most)) wrong(name, "a number in its bounds");
        return static_cast<std::uint64_t>(*value);
    }
    std::optional<std::uint32_t> small(const char *name) {
        const auto value = whole(name, 4294967295.0);
        return value ? std::optional(static_cast<std::uint32_t>(*value)) : std::nullopt;
    }
    [[noreturn]] void wrong(const char *name, const char *what) const { bad_catalog(place_ + ": " + name + " is not " + what); }
    [[noreturn]] void lacks(const char *name) const { bad_catalog(place_ + ": " + name + " is missing"); }
    /// What is left, or an empty text.
    std::string rest() const { return object_.empty() ? std::string() : dump(object_); }

private:
    std::string place_;
    Json object_;
};

inline Container read_container(Members &members) {
    Container container;
    auto json = members.take("container");
    if (!json) return container;
    const bool has_kind = json->is_object() && json->contains("kind") && (*json)["kind"].is_string();
    if (!has_kind) members.wrong("container", "an object with a kind");
    const auto kind = (*json)["kind"].get<std::string>();
    if (kind == "legacy") return container;
    container.kind = kind == "loc" ? ContainerKind::Loc : kind == "cmaf" ? ContainerKind::Cmaf : ContainerKind::Unknown;
    if (container.kind == ContainerKind::Unknown) container.other = dump(*json);
    if (container.kind == ContainerKind::Cmaf) {
        const auto init = json->find("init");
        auto bytes = init != json->end() && init->is_string() ? from_base64(init->get_ref<const std::string &>()) : std::nullopt;
        if (!bytes) members.wrong("container", "a cmaf with an init in base64");
        container.init = std::move(*bytes);
    }
    return container;
}

inline void read_rendition(Members &members, Rendition &rendition) {
    auto codec = members.text("codec");
    if (!codec) members.lacks("codec");
    rendition.codec = std::move(*codec);
    if (const auto text = members.text("description")) {
        rendition.description = from_hex(*text);
        if (!rendition.description) members.wrong("description", "hexadecimal");
    }
    rendition.container = read_container(members);
    rendition.bitrate = members.whole("bitrate", largest_whole);
    rendition.jitter = members.number("jitter");
    if (rendition.jitter) {
        if (!(*rendition.jitter >= 0 && *rendition.jitter <= largest_whole)) members.wrong("jitter", "a number in its bounds");
        rendition.jitter = std::ceil(*rendition.jitter);
    }
    rendition.broadcast = members.text("broadcast");
}

inline void read(Members &members, VideoRendition &video) {
    read_rendition(members, video);
    video.width = members.small("codedWidth");
    video.height = members.small("codedHeight");
    video.framerate = members.number("framerate");
    video.other = members.rest();
}

inline void read(Members &members, AudioRendition &audio) {
    read_rendition(members, audio);
    const auto rate = members.small("sampleRate"), channels = members.small("numberOfChannels");
    if (!rate) members.lacks("sampleRate");
    if (!channels) members.lacks("numberOfChannels");
    audio.sample_rate = *rate;
    audio.channels = *channels;
    audio.other = members.rest();
}

/// The name in `{"track": {"name": …}, "config": …}`.
inline std::string take_name(Json &track) {
    Members members("a track", std::move(track));
    auto name = members.text("name");
    if (!name) members.lacks("name");
    return std::move(*name);
}

/// A section as it was written before renditions had names: a list of `track` and `config` (video), or one of them (audio).
inline Json of_before(Json section) {
    const bool is_one = section.is_object() && section.contains("track") && section.contains("config");
    if (!section.is_array() && !is_one) return section;
    auto list = Json::array();
    if (is_one)
        list.push_back(std::move(section));
    else
        list = std::move(section);
    auto renditions = Json::object(), display = Json::object();
    for (auto &each : list) {
        if (!each.is_object() || !each.contains("track") || !each.contains("config")) bad_catalog("a section is a list of other things than tracks");
        auto &config = each["config"];
        if (renditions.empty() && config.is_object() && config.contains("displayAspectWidth") && config.contains("displayAspectHeight")) {
            display["width"] = config["displayAspectWidth"];
            display["height"] = config["displayAspectHeight"];
        }
        renditions[take_name(each["track"])] = std::move(config);
    }
    auto now = Json::object();
    now["renditions"] = std::move(renditions);
    if (!display.empty()) now["display"] = std::move(display);
    return now;
}

template <class R> void read_section(Members &root, const char *name, std::map<std::string, R> &renditions, std::string &other) {
    auto json = root.take(name);
    if (!json) return;
    Members section(name, of_before(std::move(*json)));
    auto map = section.take("renditions");
    if (!map || !map->is_object()) section.wrong("renditions", "an object");
    for (auto &[track, value] : map->items()) {
        // Without the name, which may have anything in it.
        Members members(std::string("a rendition of ") + name, std::move(value));
        read(members, renditions[track]);
    }
    other = section.rest();
}

inline Json object_of(const std::string &text) {
    if (text.empty()) return Json::object();
    auto json = text.size() > max_catalog_size || depth_of(text) > max_catalog_depth ? Json() : Json::parse(text, nullptr, false);
    if (!json.is_object()) throw std::system_error(make_error_code(Error::Encode), "catalog: other members that are not a JSON object");
    return json;
}

/// Readers refuse the whole catalog for a number that is none of theirs.
[[noreturn]] inline void bad_number(const char *name) {
    throw std::system_error(make_error_code(Error::Encode), std::string("catalog: ") + name + " is a number that readers refuse");
}
inline std::uint64_t whole_in_bounds(double number, const char *name) {
    if (!(number >= 0 && number <= largest_whole)) bad_number(name);
    return static_cast<std::uint64_t>(std::ceil(number));
}

inline Json written(const Rendition &rendition) {
    auto json = object_of(rendition.other);
    json["codec"] = rendition.codec;
    if (rendition.description) json["description"] = to_hex(rendition.description->span());
    switch (rendition.container.kind) {
    case ContainerKind::Legacy: json["container"] = {{"kind", "legacy"}}; break;
    case ContainerKind::Loc: json["container"] = {{"kind", "loc"}}; break;
    case ContainerKind::Cmaf: json["container"] = {{"kind", "cmaf"}, {"init", to_base64(rendition.container.init.span())}}; break;
    case ContainerKind::Unknown: json["container"] = object_of(rendition.container.other); break;
    }
    if (rendition.bitrate) json["bitrate"] = whole_in_bounds(static_cast<double>(*rendition.bitrate), "bitrate");
    if (rendition.jitter) json["jitter"] = whole_in_bounds(*rendition.jitter, "jitter");
    if (rendition.broadcast) json["broadcast"] = *rendition.broadcast;
    return json;
}

inline Json written(const VideoRendition &video) {
    auto json = written(static_cast<const Rendition &>(video));
    if (video.width) json["codedWidth"] = *video.width;
    if (video.height) json["codedHeight"] = *video.height;
    if (video.framerate && !std::isfinite(*video.framerate)) bad_number("framerate");
    if (video.framerate) json["framerate"] = *video.framerate;
    return json;
}

inline Json written(const AudioRendition &audio) {
    auto json = written(static_cast<const Rendition &>(audio));
    json["sampleRate"] = audio.sample_rate;
    json["numberOfChannels"] = audio.channels;
    return json;
}

template <class R> void write_section(Json &root, const char *name, const std::map<std::string, R> &renditions, const std::string &other) {
    if (renditions.empty() && other.empty()) return;
    auto section = object_of(other);
    auto map = Json::object();
    for (const auto &[track, rendition] : renditions) map[track] = written(rendition);
    section["renditions"] = std::move(map);
    root[name] = std::move(section);
}

}  // namespace detail

COMOQ_DECL Catalog parse_catalog(std::string_view json) {
    Catalog catalog;
    detail::Members root("the root", detail::parse_json(json));
    detail::read_section(root, "video", catalog.video, catalog.video_other);
    detail::read_section(root, "audio", catalog.audio, catalog.audio_other);
    catalog.other = root.rest();
    return catalog;
}

COMOQ_DECL std::string to_json(const Catalog &catalog) {
    auto root = detail::object_of(catalog.other);
    detail::write_section(root, "video", catalog.video, catalog.video_other);
    detail::write_section(root, "audio", catalog.audio, catalog.audio_other);
    return detail::dump(root);
}

COMOQ_DECL std::string merge_patched(std::string_view document, std::string_view patch) {
    auto json = detail::parse_json(document);
    json.merge_patch(detail::parse_json(patch));
    auto text = detail::dump(json);
    if (text.size() > max_catalog_size) throw std::system_error(make_error_code(Error::BoundsExceeded), "catalog: too large");
    return text;
}

}  // namespace comoq::hang
