# Headers, CMake package, pkg-config files and licence. Nothing needs a build, so everything goes to directories that do not
# depend on the architecture.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_directory "${CMAKE_INSTALL_DATADIR}/cmake/comoq")
set(pkgconfig_directory "${CMAKE_INSTALL_DATADIR}/pkgconfig")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.hpp"
        PATTERN "*.ipp" PATTERN "*.h")
install(
    FILES "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/.github/CHANGELOG.md"
    DESTINATION "${CMAKE_INSTALL_DOCDIR}"
)
install(TARGETS comoq EXPORT comoqTargets INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT comoqTargets NAMESPACE comoq:: DESTINATION "${package_directory}")

configure_package_config_file(
    "${CMAKE_CURRENT_LIST_DIR}/comoqConfig.cmake.in"
    "${PROJECT_BINARY_DIR}/comoqConfig.cmake"
    INSTALL_DESTINATION "${package_directory}"
    PATH_VARS CMAKE_INSTALL_INCLUDEDIR
    NO_SET_AND_CHECK_MACRO
)
write_basic_package_version_file(
    "${PROJECT_BINARY_DIR}/comoqConfigVersion.cmake" COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT
)
install(
    FILES
        "${PROJECT_BINARY_DIR}/comoqConfig.cmake"
        "${PROJECT_BINARY_DIR}/comoqConfigVersion.cmake"
        "${CMAKE_CURRENT_LIST_DIR}/FindAsio.cmake"
        "${CMAKE_CURRENT_LIST_DIR}/FindNghttp3.cmake"
        "${CMAKE_CURRENT_LIST_DIR}/FindNgtcp2.cmake"
        "${CMAKE_CURRENT_LIST_DIR}/FindWslay.cmake"
        "${CMAKE_CURRENT_LIST_DIR}/compiled.cmake"
        "${CMAKE_CURRENT_LIST_DIR}/comoqAsioDefinitions.cmake"
    DESTINATION "${package_directory}"
)

# The prefix is relative to the file, so that an installed tree can be moved.
file(RELATIVE_PATH pc_up "${CMAKE_INSTALL_FULL_DATADIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" pc_up "${pc_up}")
if(IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
    set(pc_includedir "${CMAKE_INSTALL_INCLUDEDIR}")
else()
    set(pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
# pkg-config does not know the compiler. The definitions that clang needs with an old asio are those that g++ makes by itself,
# so they may apply to every compiler and every asio.
set(pc_cflags "-DASIO_HAS_CO_AWAIT=1 -DASIO_HAS_STD_COROUTINE=1")
# asio does not have a pkg-config file everywhere, and wslay has none. If one is not where the compiler looks, name its
# directory; a fetched asio is not available to others.
if(NOT COMOQ_FETCH_DEPS AND NOT Asio_INCLUDE_DIR IN_LIST CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
    string(PREPEND pc_cflags "-I${Asio_INCLUDE_DIR} ")
endif()
set(pc_wslay_cflags "")
set(pc_wslay_libs "-lwslay")
if(Wslay_INCLUDE_DIR AND NOT Wslay_INCLUDE_DIR IN_LIST CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
    set(pc_wslay_cflags "-I${Wslay_INCLUDE_DIR}")
endif()
if(Wslay_LIBRARY)
    get_filename_component(wslay_directory "${Wslay_LIBRARY}" DIRECTORY)
    if(NOT wslay_directory IN_LIST CMAKE_CXX_IMPLICIT_LINK_DIRECTORIES)
        string(PREPEND pc_wslay_libs "-L${wslay_directory} ")
    endif()
endif()
# All are installed, as all headers are: pkg-config itself says what a system lacks.
foreach(name IN ITEMS comoq comoq-hang comoq-net comoq-net-quic comoq-net-web comoq-quic comoq-websocket)
    configure_file("${CMAKE_CURRENT_LIST_DIR}/${name}.pc.in" "${PROJECT_BINARY_DIR}/${name}.pc" @ONLY)
    install(FILES "${PROJECT_BINARY_DIR}/${name}.pc" DESTINATION "${pkgconfig_directory}")
endforeach()

if(PROJECT_IS_TOP_LEVEL)
    include("${CMAKE_CURRENT_LIST_DIR}/packaging/debian.cmake")
endif()
