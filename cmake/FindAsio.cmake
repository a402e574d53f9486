# Finds standalone asio, a header library that most systems ship without a CMake package.
#
#   find_package(Asio 1.22)
#
# defines the imported target Asio::asio, Asio_FOUND, Asio_VERSION and Asio_INCLUDE_DIR. It looks where find_path() looks:
# under Asio_ROOT or ASIO_ROOT (variable or environment), under CMAKE_PREFIX_PATH, and on the system. Setting
# Asio_INCLUDE_DIR to the directory that holds asio.hpp skips the search. If a project already has a
# target Asio::asio, the module only reads its version.

if(TARGET Asio::asio AND NOT Asio_INCLUDE_DIR)
    get_target_property(_asio_directories Asio::asio INTERFACE_INCLUDE_DIRECTORIES)
    if(_asio_directories)
        string(REGEX REPLACE "\\$<BUILD_INTERFACE:([^<>]*)>" "\\1" _asio_directories "${_asio_directories}")
        find_path(Asio_INCLUDE_DIR asio/version.hpp PATHS ${_asio_directories} NO_DEFAULT_PATH)
    endif()
    unset(_asio_directories)
endif()
find_path(
    Asio_INCLUDE_DIR
    NAMES asio/version.hpp
    HINTS ${ASIO_ROOT} $ENV{ASIO_ROOT}
    PATH_SUFFIXES include
    DOC "The directory that holds asio.hpp"
)
mark_as_advanced(Asio_INCLUDE_DIR)

# ASIO_VERSION is major * 100000 + minor * 100 + patch.
unset(Asio_VERSION)
if(EXISTS "${Asio_INCLUDE_DIR}/asio/version.hpp")
    file(STRINGS "${Asio_INCLUDE_DIR}/asio/version.hpp" _asio_line REGEX "^#define ASIO_VERSION [0-9]+")
    string(REGEX MATCH "[0-9]+" _asio_number "${_asio_line}")
    if(_asio_number)
        math(EXPR _asio_major "${_asio_number} / 100000")
        math(EXPR _asio_minor "${_asio_number} / 100 % 1000")
        math(EXPR _asio_patch "${_asio_number} % 100")
        set(Asio_VERSION "${_asio_major}.${_asio_minor}.${_asio_patch}")
    endif()
    foreach(_asio_name line number major minor patch)
        unset(_asio_${_asio_name})
    endforeach()
    unset(_asio_name)
endif()

find_package(Threads QUIET)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
    Asio
    REQUIRED_VARS Asio_INCLUDE_DIR Threads_FOUND
    VERSION_VAR Asio_VERSION
)

if(Asio_FOUND AND NOT TARGET Asio::asio)
    add_library(Asio::asio INTERFACE IMPORTED)
    set_target_properties(
        Asio::asio
        PROPERTIES
            INTERFACE_INCLUDE_DIRECTORIES "${Asio_INCLUDE_DIR}"
            INTERFACE_COMPILE_DEFINITIONS ASIO_STANDALONE
            INTERFACE_LINK_LIBRARIES Threads::Threads
    )
endif()
