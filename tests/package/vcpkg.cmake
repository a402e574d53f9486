# cmake -DWORK_DIR=directory -DWEBSOCKET=TRUE -DVERSION=0.2.0 -P tests/package/vcpkg.cmake
#
# Runs the port in cmake/packaging/vcpkg without vcpkg: the functions below do what the port needs of those that vcpkg has
# under the same names. The result is in WORK_DIR/packages.

cmake_minimum_required(VERSION 3.22)

get_filename_component(CURRENT_PORT_DIR "${CMAKE_CURRENT_LIST_DIR}/../../cmake/packaging/vcpkg" ABSOLUTE)
set(CURRENT_PACKAGES_DIR "${WORK_DIR}/packages")
set(PORT comoq)

file(READ "${CURRENT_PORT_DIR}/vcpkg.json" manifest)
string(JSON name GET "${manifest}" name)
string(JSON version GET "${manifest}" version)
if(NOT name STREQUAL PORT OR NOT version STREQUAL VERSION)
    message(FATAL_ERROR "vcpkg.json has ${name} ${version}, and comoq/version.hpp has ${VERSION}")
endif()
string(JSON ignored GET "${manifest}" features websocket dependencies)

function(call)
    execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(vcpkg_check_features)
    cmake_parse_arguments(PARSE_ARGV 0 ARG "" OUT_FEATURE_OPTIONS FEATURES)
    list(GET ARG_FEATURES 1 option)
    set(${ARG_OUT_FEATURE_OPTIONS} "-D${option}=${WEBSOCKET}" PARENT_SCOPE)
endfunction()

function(vcpkg_cmake_configure)
    cmake_parse_arguments(PARSE_ARGV 0 ARG "" SOURCE_PATH OPTIONS)
    call(
        "${CMAKE_COMMAND}" -S "${ARG_SOURCE_PATH}" -B "${WORK_DIR}/build" ${ARG_OPTIONS}
        "-DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR}"
    )
endfunction()

function(vcpkg_cmake_install)
    call("${CMAKE_COMMAND}" --build "${WORK_DIR}/build" --target install)
endfunction()

function(vcpkg_cmake_config_fixup)
    cmake_parse_arguments(PARSE_ARGV 0 ARG "" CONFIG_PATH "")
    file(GLOB files "${CURRENT_PACKAGES_DIR}/${ARG_CONFIG_PATH}/*")
    file(COPY ${files} DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
    file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/share/cmake")
    # The prefix is a folder nearer now.
    set(config "${CURRENT_PACKAGES_DIR}/share/${PORT}/comoqConfig.cmake")
    file(READ "${config}" text)
    string(REPLACE "/../../../\" ABSOLUTE" "/../../\" ABSOLUTE" text "${text}")
    file(WRITE "${config}" "${text}")
    set(config "${CURRENT_PACKAGES_DIR}/share/${PORT}/comoqTargets.cmake")
    file(READ "${config}" text)
    set(up "get_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}\" PATH)\n")
    string(REPLACE "${up}${up}${up}" "${up}${up}" text "${text}")
    file(WRITE "${config}" "${text}")
endfunction()

function(vcpkg_fixup_pkgconfig)
    if(NOT EXISTS "${CURRENT_PACKAGES_DIR}/share/pkgconfig/comoq.pc")
        message(FATAL_ERROR "comoq.pc is not where vcpkg looks for it")
    endif()
endfunction()

function(vcpkg_install_copyright)
    cmake_parse_arguments(PARSE_ARGV 0 ARG "" "" FILE_LIST)
    file(INSTALL ${ARG_FILE_LIST} DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}" RENAME copyright)
endfunction()

include("${CURRENT_PORT_DIR}/portfile.cmake")

foreach(file IN ITEMS usage copyright comoqConfig.cmake)
    if(NOT EXISTS "${CURRENT_PACKAGES_DIR}/share/${PORT}/${file}")
        message(FATAL_ERROR "The port does not install ${file}")
    endif()
endforeach()
