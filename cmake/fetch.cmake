# Fetches asio, fmt, Catch2 and google benchmark, each at a pinned tag. FETCHCONTENT_SOURCE_DIR_ASIO, _FMT, _CATCH2 and
# _BENCHMARK name local copies to use instead.

include(FetchContent)

macro(comoq_fetch_asio)
    # The named directory does not exist, so that asio is not built: only its headers are needed.
    FetchContent_Declare(
        asio
        GIT_REPOSITORY https://github.com/chriskohlhoff/asio.git
        GIT_TAG asio-1-30-2
        GIT_SHALLOW ON
        SOURCE_SUBDIR headers-only
    )
    FetchContent_MakeAvailable(asio)
    # asio moved its headers up when it dropped its second top-level directory; released archives also have them there.
    if(EXISTS "${asio_SOURCE_DIR}/asio/include")
        set(Asio_INCLUDE_DIR "${asio_SOURCE_DIR}/asio/include")
    else()
        set(Asio_INCLUDE_DIR "${asio_SOURCE_DIR}/include")
    endif()
endmacro()

function(comoq_fetch_fmt)
    FetchContent_Declare(
        fmt
        GIT_REPOSITORY https://github.com/fmtlib/fmt.git
        GIT_TAG 11.2.0
        GIT_SHALLOW ON
    )
    if(NOT DEFINED FMT_INSTALL)
        set(FMT_INSTALL OFF)
    endif()
    FetchContent_MakeAvailable(fmt)
    comoq_as_system_headers(fmt)
endfunction()

macro(comoq_fetch_catch2)
    FetchContent_Declare(
        Catch2
        GIT_REPOSITORY https://github.com/catchorg/Catch2.git
        GIT_TAG v3.7.1
        GIT_SHALLOW ON
    )
    FetchContent_MakeAvailable(Catch2)
    comoq_as_system_headers(Catch2)
    # Its hundred files are most of a first build, and no test needs them. Together they take 9 s of a processor instead of 45.
    set_target_properties(Catch2 PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
    if(NOT MSVC)
        target_compile_options(Catch2 PRIVATE -O0)
    endif()
    list(APPEND CMAKE_MODULE_PATH "${catch2_SOURCE_DIR}/extras")
endmacro()

function(comoq_fetch_benchmark)
    FetchContent_Declare(
        benchmark
        GIT_REPOSITORY https://github.com/google/benchmark.git
        GIT_TAG v1.9.1
        GIT_SHALLOW ON
    )
    foreach(part TESTING GTEST_TESTS WERROR INSTALL INSTALL_DOCS)
        set(BENCHMARK_ENABLE_${part} OFF)
    endforeach()
    FetchContent_MakeAvailable(benchmark)
    comoq_as_system_headers(benchmark)
endfunction()

# Our warnings must not apply to other projects' headers (FetchContent's own SYSTEM needs CMake 3.25).
function(comoq_as_system_headers target)
    get_target_property(directories ${target} INTERFACE_INCLUDE_DIRECTORIES)
    set_target_properties(${target} PROPERTIES INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${directories}")
endfunction()
