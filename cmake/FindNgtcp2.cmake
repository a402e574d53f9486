# Finds ngtcp2, a library of QUIC, with its helper for GnuTLS, and GnuTLS.
#
#   find_package(Ngtcp2 0.12.1)
#
# defines the imported target Ngtcp2::gnutls, which links all three, Ngtcp2_FOUND, Ngtcp2_VERSION, Ngtcp2_INCLUDE_DIR,
# Ngtcp2_LIBRARY and Ngtcp2_HELPER. It looks where find_path() and find_library() look: under Ngtcp2_ROOT, under
# CMAKE_PREFIX_PATH, and on the system. An existing target of that name is used unchanged.

if(TARGET Ngtcp2::gnutls)
    set(Ngtcp2_FOUND TRUE)
    return()
endif()

find_path(Ngtcp2_INCLUDE_DIR NAMES ngtcp2/ngtcp2_crypto_gnutls.h DOC "The directory that holds ngtcp2/ngtcp2_crypto_gnutls.h")
find_library(Ngtcp2_LIBRARY NAMES ngtcp2 DOC "The library of ngtcp2")
find_library(Ngtcp2_HELPER NAMES ngtcp2_crypto_gnutls DOC "ngtcp2's helper for GnuTLS")
mark_as_advanced(Ngtcp2_INCLUDE_DIR Ngtcp2_LIBRARY Ngtcp2_HELPER)
find_package(GnuTLS QUIET)

unset(Ngtcp2_VERSION)
if(Ngtcp2_INCLUDE_DIR AND EXISTS "${Ngtcp2_INCLUDE_DIR}/ngtcp2/version.h")
    file(STRINGS "${Ngtcp2_INCLUDE_DIR}/ngtcp2/version.h" version_line REGEX "^#define NGTCP2_VERSION \"")
    string(REGEX REPLACE "^.*\"([0-9.]+).*$" "\\1" Ngtcp2_VERSION "${version_line}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
    Ngtcp2
    REQUIRED_VARS Ngtcp2_LIBRARY Ngtcp2_HELPER Ngtcp2_INCLUDE_DIR GNUTLS_FOUND
    VERSION_VAR Ngtcp2_VERSION
)

if(Ngtcp2_FOUND)
    add_library(Ngtcp2::gnutls INTERFACE IMPORTED)
    target_include_directories(Ngtcp2::gnutls SYSTEM INTERFACE "${Ngtcp2_INCLUDE_DIR}" ${GNUTLS_INCLUDE_DIR})
    target_link_libraries(Ngtcp2::gnutls INTERFACE "${Ngtcp2_HELPER}" "${Ngtcp2_LIBRARY}" ${GNUTLS_LIBRARIES})
endif()
