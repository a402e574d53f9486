# Headers, CMake package and pkg-config file. Nothing needs a build, so everything goes to directories that do not depend
# on the architecture.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_directory "${CMAKE_INSTALL_DATADIR}/cmake/comoq")
set(pkgconfig_directory "${CMAKE_INSTALL_DATADIR}/pkgconfig")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.hpp"
        PATTERN "*.ipp")
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
# asio does not have a pkg-config file everywhere. If it is not among the system's headers, name its directory; a fetched one
# is not available to others.
if(NOT COMOQ_FETCH_DEPS AND NOT Asio_INCLUDE_DIR IN_LIST CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES)
    string(PREPEND pc_cflags "-I${Asio_INCLUDE_DIR} ")
endif()
configure_file("${CMAKE_CURRENT_LIST_DIR}/comoq.pc.in" "${PROJECT_BINARY_DIR}/comoq.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/comoq.pc" DESTINATION "${pkgconfig_directory}")
