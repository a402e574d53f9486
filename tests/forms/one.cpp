#include <comoq/bytes.hpp>

int length(const comoq::Bytes &bytes);

int main() { return length(comoq::Bytes::copy("")); }
