// The part of comoq::hang that reads MP4, for a build that has no comoq::hang: it needs neither nlohmann-json nor zlib. Where the
// library is used as headers alone, there is nothing to do.
#include <comoq/config.hpp>

#if defined(COMOQ_SEPARATE_COMPILATION)
#include <comoq/impl/detail/hang/boxes.ipp>
#include <comoq/impl/detail/hang/fragment_box.ipp>
#include <comoq/impl/detail/hang/movie_box.ipp>
#include <comoq/impl/detail/hang/sample_entry.ipp>
#include <comoq/impl/hang/codec.ipp>
#include <comoq/impl/hang/mp4_pieces.ipp>
#include <comoq/impl/hang/text_of_bytes.ipp>
#endif
