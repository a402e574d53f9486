#include <comoq/origin.hpp>

int announced(const comoq::Origin &origin);

int announced(const comoq::Origin &origin) { return static_cast<int>(origin.stats().announced); }
