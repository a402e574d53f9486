// The main function for Catch2 2.13; later versions bring it as a library.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
