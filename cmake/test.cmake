# cmake -P cmake/test.cmake: installs missing packages, builds the tests and examples and runs all tests.

include("${CMAKE_CURRENT_LIST_DIR}/setup.cmake")

comoq_setup(
    NAME test
    PACKAGES Asio fmt Catch2
    OPTIONAL Wslay OpenSSL
    # Lines are enough for a failure here, and save g++ a sixth of its time.
    # Every header alone, and the schedules, double the time: they are left to .ci/run. -DCOMOQ_CHECK_HEADERS=ON and
    # -DCOMOQ_BUILD_SCHEDULES=ON before -P add them.
    OPTIONS -DCMAKE_BUILD_TYPE=Debug "-DCMAKE_CXX_FLAGS_DEBUG=-O0 -g1" -DCOMOQ_BUILD_TESTS=ON
            -DCOMOQ_BUILD_EXAMPLES=ON -DCOMOQ_CHECK_HEADERS=OFF -DCOMOQ_BUILD_SCHEDULES=OFF
)

# Left to .ci/run as well: the tests of sessions once more, with a newer version, and four fifths of the random histories.
if(NOT DEFINED ENV{COMOQ_TEST_HISTORIES})
    set(ENV{COMOQ_TEST_HISTORIES} 2000)
endif()
# Half of their time is that of programs that wait: for a token to expire, or for a peer that says nothing.
comoq_jobs(jobs 500)
math(EXPR jobs "2 * ${jobs}")
execute_process(
    COMMAND "${CMAKE_CTEST_COMMAND}" --test-dir "${BUILD_DIR}" -C Debug --output-on-failure --no-tests=error --parallel ${jobs}
            --label-exclude "^again$"
    RESULT_VARIABLE result
)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "Tests failed")
endif()
