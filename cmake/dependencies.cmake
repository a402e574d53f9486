# asio, fmt and threads: from the system, or fetched (COMOQ_FETCH_DEPS). A target Asio::asio or fmt::fmt of the
# surrounding project is used unchanged.

include("${CMAKE_CURRENT_LIST_DIR}/comoqAsioDefinitions.cmake")

if(COMOQ_FETCH_DEPS)
    include("${CMAKE_CURRENT_LIST_DIR}/fetch.cmake")
    if(NOT TARGET Asio::asio)
        comoq_fetch_asio()
    endif()
    if(NOT TARGET fmt::fmt)
        comoq_fetch_fmt()
    endif()
endif()

# A subdirectory's module path is its own: the surrounding project does not see this.
list(PREPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}")
find_package(Asio 1.22 MODULE)
if(NOT Asio_FOUND)
    message(FATAL_ERROR "comoq needs standalone asio 1.22 or newer: install it (Debian: libasio-dev), give its location by "
                        "-DAsio_ROOT=..., or set -DCOMOQ_FETCH_DEPS=ON")
endif()
if(NOT TARGET fmt::fmt)
    find_package(fmt QUIET)
    if(NOT fmt_FOUND OR fmt_VERSION VERSION_LESS 9)
        message(FATAL_ERROR "comoq needs fmt 9 or newer: install it (Debian: libfmt-dev), give its location by "
                            "-Dfmt_ROOT=..., or set -DCOMOQ_FETCH_DEPS=ON")
    endif()
    message(STATUS "Found fmt: ${fmt_DIR} (found version \"${fmt_VERSION}\")")
endif()
find_package(Threads REQUIRED)
