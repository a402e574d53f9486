// Catalogs of hang for a reader that is not ours (catalogs.mjs), a line each:
//   comoq_interop_catalogs write SEED COUNT   writes random ones
//   comoq_interop_catalogs read               reads one from each line of standard input, and writes it again; or `!` and the reason
#include <comoq/hang/catalog.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <system_error>

namespace {

using namespace comoq;
using namespace comoq::hang;

class RandomCatalogs {
public:
    explicit RandomCatalogs(std::uint64_t seed) : random_(seed) {}

    Catalog next() {
        Catalog catalog;
        for (auto left = below(4); left != 0; --left) video(catalog.video[name()]);
        for (auto left = below(3); left != 0; --left) audio(catalog.audio[name()]);
        if (one_in(3)) catalog.video_other = R"({"display":{"width":640,"height":360},"rotation":90,"flip":true})";
        if (one_in(3)) catalog.other = R"({"chat":{"track":"words"},"scte35":[1,null,{"x":1.5}]})";
        return catalog;
    }

private:
    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
    bool one_in(std::uint64_t count) { return below(count) == 0; }

    std::string name() {
        static constexpr const char *names[] = {"video", "audio/en", "a \"b\"", "\xc3\xbc\xf0\x9f\x8e\xa5", "0.m4s", "\n", "toString", ""};
        return names[below(std::size(names))] + (one_in(2) ? std::to_string(below(100)) : "");
    }
    Bytes octets() {
        std::string bytes(below(40), '\0');
        for (char &c : bytes) c = static_cast<char>(below(256));
        return Bytes::copy(bytes);
    }
    /// Of any length up to `bits`.
    std::uint64_t number(std::uint64_t bits) { return random_() >> (64 - 1 - below(bits)); }

    void common(Rendition &rendition) {
        if (one_in(2)) rendition.description = octets();
        switch (below(4)) {
        case 0: break;
        case 1: rendition.container.kind = ContainerKind::Loc; break;
        case 2:
            rendition.container.kind = ContainerKind::Cmaf;
            rendition.container.init = octets();
            break;
        default:
            rendition.container.kind = ContainerKind::Unknown;
            rendition.container.other = R"({"kind":"tomorrow","depth":{"of":[0]}})";
        }
        if (one_in(2)) rendition.bitrate = number(53);
        if (one_in(2)) rendition.jitter = static_cast<double>(number(30)) / static_cast<double>(1 + below(1000));
        if (one_in(4)) rendition.broadcast = "../other/" + std::to_string(below(10));
        if (one_in(4)) rendition.other = R"({"optimizeForLatency":false,"timeline":{"track":"t","timescale":90000},"new":null})";
    }
    void video(VideoRendition &rendition) {
        rendition.codec = one_in(2) ? "avc1.64001f" : "av01.0.04M.08";
        common(rendition);
        if (one_in(2)) rendition.width = static_cast<std::uint32_t>(number(32));
        if (one_in(2)) rendition.height = static_cast<std::uint32_t>(number(32));
        if (one_in(2)) rendition.framerate = static_cast<double>(number(20)) / 1001;
    }
    void audio(AudioRendition &rendition) {
        rendition.codec = one_in(2) ? "opus" : "mp4a.40.2";
        common(rendition);
        rendition.sample_rate = static_cast<std::uint32_t>(number(32));
        rendition.channels = static_cast<std::uint32_t>(number(5));
    }

    std::mt19937_64 random_;
};

}  // namespace

int main(int argc, char **argv) {
    const std::string_view what = argc > 1 ? argv[1] : "";
    if (what == "write" && argc == 4) {
        RandomCatalogs catalogs(std::strtoull(argv[2], nullptr, 10));
        for (auto left = std::strtoull(argv[3], nullptr, 10); left != 0; --left) std::cout << to_json(catalogs.next()) << '\n';
        return 0;
    }
    if (what != "read" || argc != 2) {
        std::cerr << "usage: comoq_interop_catalogs write SEED COUNT | read\n";
        return 2;
    }
    for (std::string line; std::getline(std::cin, line);) {
        try {
            std::cout << to_json(parse_catalog(line)) << '\n';
        } catch (const std::system_error &error) {
            std::cout << "! " << error.what() << '\n';
        }
    }
    return 0;
}
