# comoq::c: the functions of comoq/c.h as a shared library, libcomoq_c.so.0, which exports nothing else; comoq::c_static is the
# same as an archive. -DCOMOQ_C=ON adds both. The library is compiled once for them, as comoq::compiled is; with wslay and OpenSSL
# they know ws, wss and tls, too, and with comoq::quic https, moql and moqt.

include(GNUInstallDirs)

set(comoq_c_parts comoq_compiled comoq_compiled_net)
set(comoq_c_needs comoq::compiled_net)
if(TARGET comoq_compiled_net_web)
    list(APPEND comoq_c_parts comoq_compiled_websocket comoq_compiled_net_web)
    list(APPEND comoq_c_needs comoq::compiled_net_web)
endif()
if(TARGET comoq_compiled_net_quic)
    list(APPEND comoq_c_parts comoq_compiled_quic comoq_compiled_net_quic)
    list(APPEND comoq_c_needs comoq::compiled_net_quic)
endif()
set_target_properties(${comoq_c_parts} PROPERTIES POSITION_INDEPENDENT_CODE ON)

file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/comoq_c/comoq_c.cpp" CONTENT "#include <comoq/c/src.hpp>\n")
add_library(comoq_c_objects OBJECT "${CMAKE_CURRENT_BINARY_DIR}/comoq_c/comoq_c.cpp")
set_target_properties(
    comoq_c_objects PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
)
target_link_libraries(comoq_c_objects PRIVATE ${comoq_c_needs})
if(TARGET comoq_compiled_net_web)
    target_compile_definitions(comoq_c_objects PRIVATE COMOQ_C_WEB)
endif()
if(TARGET comoq_compiled_net_quic)
    target_compile_definitions(comoq_c_objects PRIVATE COMOQ_C_QUIC)
endif()
if(TARGET comoq_developer)
    target_link_libraries(comoq_c_objects PRIVATE comoq_developer)
endif()
# A write reads thread-local variables, which costs a call in code that may be anywhere. The library has some dozens of bytes of
# them, and every loader keeps more room than that for libraries that come later.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND NOT COMOQ_SANITIZE)
    foreach(part IN LISTS comoq_c_parts ITEMS comoq_c_objects)
        target_compile_options(${part} PRIVATE -ftls-model=initial-exec)
    endforeach()
endif()

add_library(comoq_c SHARED $<TARGET_OBJECTS:comoq_c_objects>)
add_library(comoq::c ALIAS comoq_c)
set_target_properties(
    comoq_c PROPERTIES VERSION 0.${PROJECT_VERSION_MINOR}.${PROJECT_VERSION_PATCH} SOVERSION 0 LINKER_LANGUAGE CXX EXPORT_NAME c
)
target_link_libraries(comoq_c PRIVATE ${comoq_c_needs} ${sanitizer_flags})
target_include_directories(
    comoq_c PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>" "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>"
)
# Hidden visibility leaves weak symbols of the standard library, of asio and of fmt, and those that are visible on purpose.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    target_link_options(comoq_c PRIVATE "-Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/comoq_c.map")
    set_property(TARGET comoq_c APPEND PROPERTY LINK_DEPENDS "${PROJECT_SOURCE_DIR}/cmake/comoq_c.map")
    if(NOT COMOQ_SANITIZE)
        target_link_options(comoq_c PRIVATE -Wl,--no-undefined)
    endif()
endif()

set(comoq_c_archive $<TARGET_OBJECTS:comoq_c_objects>)
foreach(part IN LISTS comoq_c_parts)
    list(APPEND comoq_c_archive $<TARGET_OBJECTS:${part}>)
endforeach()
add_library(comoq_c_static STATIC EXCLUDE_FROM_ALL ${comoq_c_archive})
add_library(comoq::c_static ALIAS comoq_c_static)
set_target_properties(comoq_c_static PROPERTIES OUTPUT_NAME comoq_c LINKER_LANGUAGE CXX)
target_include_directories(comoq_c_static PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>")
target_link_libraries(comoq_c_static PRIVATE ${comoq_c_needs})

if(COMOQ_INSTALL)
    file(RELATIVE_PATH c_pc_up "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
    string(REGEX REPLACE "/$" "" c_pc_up "${c_pc_up}")
    configure_file("${CMAKE_CURRENT_LIST_DIR}/comoq_c.pc.in" "${PROJECT_BINARY_DIR}/comoq_c.pc" @ONLY)
    install(TARGETS comoq_c EXPORT comoq_c LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT c)
    install(EXPORT comoq_c NAMESPACE comoq:: FILE comoq_cConfig.cmake DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/comoq_c" COMPONENT c)
    install(FILES "${PROJECT_BINARY_DIR}/comoq_c.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT c)
    install(FILES "${PROJECT_SOURCE_DIR}/include/comoq/c.h" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/comoq" COMPONENT c)
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/comoq/c" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/comoq" COMPONENT c
            FILES_MATCHING PATTERN "*.h")
endif()
