# cmake -P cmake/demo.cmake: installs missing packages, builds media_relay and runs it on the clip in examples/media.

include("${CMAKE_CURRENT_LIST_DIR}/setup.cmake")

comoq_setup(
    NAME demo
    PACKAGES Asio fmt
    OPTIONS -DCMAKE_BUILD_TYPE=Release -DCOMOQ_BUILD_TESTS=OFF -DCOMOQ_BUILD_EXAMPLES=ON
    TARGET media_relay
)

find_program(media_relay media_relay PATHS "${BUILD_DIR}/examples" "${BUILD_DIR}/examples/Release" NO_DEFAULT_PATH NO_CACHE)
message(STATUS "Running media_relay examples/media/clip.mp4")
execute_process(
    COMMAND "${media_relay}" "${SOURCE_DIR}/examples/media/clip.mp4"
    RESULT_VARIABLE result
)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "media_relay failed: ${result}")
endif()
