# cmake -P cmake/test.cmake: installs missing packages, builds everything and runs all tests.

include("${CMAKE_CURRENT_LIST_DIR}/setup.cmake")

comoq_setup(
    NAME test
    PACKAGES Asio fmt Catch2
    OPTIONAL Wslay OpenSSL
    OPTIONS -DCMAKE_BUILD_TYPE=Debug -DCOMOQ_BUILD_TESTS=ON -DCOMOQ_BUILD_EXAMPLES=ON
)

comoq_jobs(jobs)
execute_process(
    COMMAND "${CMAKE_CTEST_COMMAND}" --test-dir "${BUILD_DIR}" -C Debug --output-on-failure --no-tests=error --parallel ${jobs}
    RESULT_VARIABLE result
)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "Tests failed")
endif()
