// The curves, as an SVG.
#include "results.hpp"

namespace comoq::bench {
std::string Results::svg() const { return ""; }
}
