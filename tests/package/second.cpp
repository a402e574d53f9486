// A second file with all headers: a definition there that is not inline would be in this program twice.
#include <comoq/comoq.hpp>

#include <string>

std::string second(const comoq::Path &path);

std::string second(const comoq::Path &path) { return std::string(path.view()); }
