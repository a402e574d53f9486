# A Debian package by `cpack`, in the build directory: libcomoq-dev, with what `cmake --install` installs.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "the comoq authors")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_PACKAGE_NAME libcomoq-dev)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libasio-dev (>= 1:1.22), libfmt-dev (>= 9)")
# For comoq::websocket and comoq::net_web.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "libwslay-dev, libssl-dev")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "live media for C++20 coroutines and asio (headers)")
string(
    CONCAT CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "The data model of Media over QUIC (broadcasts, tracks, groups and frames,\n"
    "announced or made on demand), with sessions, transports and the parts of a relay."
)

# Debian looks for the licence at a place of its own.
install(
    FILES "${PROJECT_SOURCE_DIR}/LICENSE"
    DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/libcomoq-dev"
    RENAME copyright
    COMPONENT debian
    EXCLUDE_FROM_ALL
)
set(CPACK_INSTALL_CMAKE_PROJECTS "${PROJECT_BINARY_DIR};comoq;ALL;/;${PROJECT_BINARY_DIR};comoq;debian;/")

# Nothing that is installed is built.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)

include(CPack)
