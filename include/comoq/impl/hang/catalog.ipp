// SPDX-License-Identifier: MIT
#pragma once
#include "../../hang/catalog.hpp"

namespace comoq::hang {

namespace detail {

inline bool has_description_apart(const DecoderConfig &config) {
    const std::string_view codec = config.codec;
    return !config.description.empty() &&
           (codec.starts_with("avc1") || codec.starts_with("hvc1") || codec.starts_with("hev1") || codec.starts_with("mp4a"));
}

inline void fill(Rendition &rendition, const DecoderConfig &config) {
    rendition.codec = config.codec;
    if (has_description_apart(config)) rendition.description = config.description;
}

inline DecoderConfig common_config(const Rendition &rendition, MediaKind kind) {
    DecoderConfig config;
    config.kind = kind;
    config.codec = rendition.codec;
    config.description = rendition.description.value_or(Bytes());
    return config;
}

}  // namespace detail

COMOQ_DECL VideoRendition video_rendition(const DecoderConfig &config) {
    VideoRendition rendition;
    detail::fill(rendition, config);
    if (config.width != 0) rendition.width = config.width;
    if (config.height != 0) rendition.height = config.height;
    return rendition;
}

COMOQ_DECL AudioRendition audio_rendition(const DecoderConfig &config) {
    AudioRendition rendition;
    detail::fill(rendition, config);
    rendition.sample_rate = config.sample_rate;
    rendition.channels = config.channels;
    return rendition;
}

COMOQ_DECL DecoderConfig decoder_config(const VideoRendition &rendition) {
    auto config = detail::common_config(rendition, MediaKind::Video);
    config.width = rendition.width.value_or(0);
    config.height = rendition.height.value_or(0);
    return config;
}

COMOQ_DECL DecoderConfig decoder_config(const AudioRendition &rendition) {
    auto config = detail::common_config(rendition, MediaKind::Audio);
    config.sample_rate = rendition.sample_rate;
    config.channels = rendition.channels;
    return config;
}

}  // namespace comoq::hang
