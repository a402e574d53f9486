# Finds wslay, a library of WebSocket frames. Debian's CMake package defines a target without a namespace, and other systems
# have no package; the header does not contain the library's version.
#
#   find_package(Wslay)
#
# defines the imported target Wslay::wslay, Wslay_FOUND, Wslay_INCLUDE_DIR and Wslay_LIBRARY. It looks where find_path() and
# find_library() look: under Wslay_ROOT, under CMAKE_PREFIX_PATH, and on the system. An existing
# target of that name is used unchanged.

if(TARGET Wslay::wslay)
    set(Wslay_FOUND TRUE)
    return()
endif()

find_path(Wslay_INCLUDE_DIR NAMES wslay/wslay.h DOC "The directory that holds wslay/wslay.h")
find_library(Wslay_LIBRARY NAMES wslay DOC "The library of wslay")
mark_as_advanced(Wslay_INCLUDE_DIR Wslay_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Wslay REQUIRED_VARS Wslay_LIBRARY Wslay_INCLUDE_DIR)

if(Wslay_FOUND)
    add_library(Wslay::wslay UNKNOWN IMPORTED)
    set_target_properties(
        Wslay::wslay PROPERTIES IMPORTED_LOCATION "${Wslay_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${Wslay_INCLUDE_DIR}"
    )
endif()
