#include <comoq/detail/wait/failure.hpp>

#include <system_error>

#include "support/catch.hpp"
#include "support/error_of.hpp"

namespace failure_tests {

using comoq::Error;
using comoq::detail::failure;
using comoq::detail::throw_error;

TEST_CASE("section 2 errors: settling with a false code settles with Cancelled", "[failure]") {
    CHECK(failure({}) == Error::Cancelled);
    CHECK(failure(std::error_code(0, comoq::error_category())) == Error::Cancelled);
    CHECK(failure(std::error_code(0, std::generic_category())) == Error::Cancelled);
}

TEST_CASE("section 2 errors: settling with any other code keeps that code", "[failure]") {
    CHECK(failure(Error::NotFound) == Error::NotFound);
    CHECK(failure(comoq::app_error(5)) == comoq::app_error(5));
    CHECK(failure(std::make_error_code(std::errc::io_error)) == std::errc::io_error);
}

TEST_CASE("section 2 errors: synchronous calls throw system_error with the code", "[failure]") {
    CHECK_THROWS_AS(throw_error(Error::Closed), std::system_error);
    CHECK(comoq::test::error_of([] { throw_error(Error::Closed); }) == Error::Closed);
    CHECK(comoq::test::error_of([] { throw_error(comoq::app_error(9)); }) == comoq::app_error(9));
}

}
