# comoq::compiled and comoq::compiled_net, comoq::compiled_websocket and comoq::compiled_net_web if comoq::websocket exists, and
# comoq::compiled_quic if comoq::quic exists:
# the library compiled once, together with asio's
# own functions, for programs of several source files. Targets that link them are compiled with COMOQ_SEPARATE_COMPILATION and
# ASIO_SEPARATE_COMPILATION; a program must use one form throughout, and the linker refuses a mixture.
#
# Neither is built unless a target links it. The installed package includes this file as well: the library is compiled in the
# project that uses it, with that project's compiler and flags. COMOQ_HEADERS is the directory of the headers.

# The sources are one include each. Some are combined, because reading the headers is half of the cost of each.
function(comoq_compiled_library target)
    set(sources)
    foreach(part IN LISTS ARGN)
        string(REPLACE "+" ";" files "${part}")
        list(GET files 0 first)
        string(REGEX REPLACE "[^A-Za-z0-9]" "_" name "${first}")
        set(text)
        foreach(file IN LISTS files)
            string(APPEND text "#include <${file}>\n")
        endforeach()
        set(source "${CMAKE_CURRENT_BINARY_DIR}/comoq_compiled/${name}.cpp")
        file(CONFIGURE OUTPUT "${source}" CONTENT "${text}" @ONLY)
        list(APPEND sources "${source}")
    endforeach()
    add_library(${target} STATIC EXCLUDE_FROM_ALL ${sources})
    target_compile_definitions(${target} PUBLIC COMOQ_SEPARATE_COMPILATION ASIO_SEPARATE_COMPILATION)
endfunction()

# Several source files, so that they compile in parallel.
file(STRINGS "${COMOQ_HEADERS}/comoq/src.hpp" impl_lines REGEX "^#include \"impl/")
set(impl_origin)
set(impl_media)
set(impl_relay)
set(impl_session)
foreach(line IN LISTS impl_lines)
    string(REGEX REPLACE "^#include \"(.*)\"$" "comoq/\\1" file "${line}")
    if(file MATCHES "impl/(lite|qmux|detail/(lite|qmux|session))/")
        list(APPEND impl_session "${file}")
    elseif(file MATCHES "impl/(proxy|mirror|task_group|memory_transport|transport|detail/(relay|stream))")
        list(APPEND impl_relay "${file}")
    elseif(file MATCHES "impl/(origin|announce|broadcast|operation)")
        list(APPEND impl_origin "${file}")
    else()
        list(APPEND impl_media "${file}")
    endif()
endforeach()
set(parts "asio/impl/src.hpp")
foreach(part IN ITEMS origin media relay session)
    if(impl_${part})
        list(JOIN impl_${part} "+" joined)
        list(APPEND parts "${joined}")
    endif()
endforeach()
if(NOT TARGET comoq_compiled)
    comoq_compiled_library(comoq_compiled ${parts})
    add_library(comoq::compiled ALIAS comoq_compiled)
    target_link_libraries(comoq_compiled PUBLIC comoq::comoq)
endif()

if(NOT TARGET comoq_compiled_net)
    comoq_compiled_library(comoq_compiled_net "comoq/net/src.hpp")
    add_library(comoq::compiled_net ALIAS comoq_compiled_net)
    target_link_libraries(comoq_compiled_net PUBLIC comoq::compiled comoq::net)
endif()

if(TARGET comoq::websocket AND TARGET OpenSSL::SSL AND NOT TARGET comoq_compiled_websocket)
    comoq_compiled_library(comoq_compiled_websocket "comoq/websocket/src.hpp" "asio/ssl/impl/src.hpp")
    add_library(comoq::compiled_websocket ALIAS comoq_compiled_websocket)
    target_link_libraries(comoq_compiled_websocket PUBLIC comoq::compiled comoq::websocket OpenSSL::SSL)
    comoq_compiled_library(comoq_compiled_net_web "comoq/net/web_src.hpp")
    add_library(comoq::compiled_net_web ALIAS comoq_compiled_net_web)
    target_link_libraries(comoq_compiled_net_web PUBLIC comoq::compiled_net comoq::compiled_websocket comoq::net_web)
endif()

if(TARGET comoq::quic AND NOT TARGET comoq_compiled_quic)
    comoq_compiled_library(comoq_compiled_quic "comoq/quic/src.hpp")
    add_library(comoq::compiled_quic ALIAS comoq_compiled_quic)
    target_link_libraries(comoq_compiled_quic PUBLIC comoq::compiled comoq::quic)
endif()
