// The schemes that the programs know: those of the web, and those of QUIC where its libraries are.
#pragma once

#include <comoq/net/web_schemes.hpp>

#if COMOQ_EXAMPLES_QUIC
#include <comoq/net/quic_schemes.hpp>
#endif
