# Finds nghttp3, of whose parts comoq uses QPACK, the packing of fields.
#
#   find_package(Nghttp3 0.8)
#
# defines the imported target Nghttp3::nghttp3, Nghttp3_FOUND, Nghttp3_VERSION, Nghttp3_INCLUDE_DIR and Nghttp3_LIBRARY. It looks
# where find_path() and find_library() look: under Nghttp3_ROOT, under CMAKE_PREFIX_PATH, and on the system. An existing target
# of that name is used unchanged.

if(TARGET Nghttp3::nghttp3)
    set(Nghttp3_FOUND TRUE)
    return()
endif()

find_path(Nghttp3_INCLUDE_DIR NAMES nghttp3/nghttp3.h DOC "The directory that holds nghttp3/nghttp3.h")
find_library(Nghttp3_LIBRARY NAMES nghttp3 DOC "The library of nghttp3")
mark_as_advanced(Nghttp3_INCLUDE_DIR Nghttp3_LIBRARY)

unset(Nghttp3_VERSION)
if(Nghttp3_INCLUDE_DIR AND EXISTS "${Nghttp3_INCLUDE_DIR}/nghttp3/version.h")
    file(STRINGS "${Nghttp3_INCLUDE_DIR}/nghttp3/version.h" version_line REGEX "^#define NGHTTP3_VERSION \"")
    string(REGEX REPLACE "^.*\"([0-9.]+).*$" "\\1" Nghttp3_VERSION "${version_line}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
    Nghttp3
    REQUIRED_VARS Nghttp3_LIBRARY Nghttp3_INCLUDE_DIR
    VERSION_VAR Nghttp3_VERSION
)

if(Nghttp3_FOUND)
    add_library(Nghttp3::nghttp3 INTERFACE IMPORTED)
    target_include_directories(Nghttp3::nghttp3 SYSTEM INTERFACE "${Nghttp3_INCLUDE_DIR}")
    target_link_libraries(Nghttp3::nghttp3 INTERFACE "${Nghttp3_LIBRARY}")
endif()
