// A second file with all headers: what is not inline there is defined twice in this program.
#include <comoq/comoq.hpp>

#include <string>

std::string second(const comoq::Path &path);

std::string second(const comoq::Path &path) { return std::string(path.view()); }
