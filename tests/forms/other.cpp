#include <comoq/bytes.hpp>

int length(const comoq::Bytes &bytes);

int length(const comoq::Bytes &bytes) { return to_string(bytes).empty() ? 0 : 1; }
