# cmake [-DOUTPUT=file] -P cmake/single_header.cmake
#
# Writes the library as one header, build/single/comoq.hpp: everything but what needs wslay or OpenSSL, header-only. The
# same sources give the same file.
#
# Each header of this project stands where it is first included, and an include of another library remains where it comes
# first. Its includes under a condition, such as those of one system, remain as they are.

cmake_minimum_required(VERSION 3.22)

get_filename_component(SOURCE_DIR "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
set(INCLUDE_DIR "${SOURCE_DIR}/include")
if(NOT OUTPUT)
    set(OUTPUT "${SOURCE_DIR}/build/single/comoq.hpp")
endif()
get_filename_component(OUTPUT "${OUTPUT}" ABSOLUTE)

# CMake's lists would interpret these characters.
foreach(code RANGE 1 4)
    string(ASCII ${code} stand_in_${code})
endforeach()
function(hide variable)
    string(REPLACE "\\" "${stand_in_1}" hidden "${${variable}}")
    string(REPLACE ";" "${stand_in_2}" hidden "${hidden}")
    string(REPLACE "[" "${stand_in_3}" hidden "${hidden}")
    string(REPLACE "]" "${stand_in_4}" hidden "${hidden}")
    set(${variable} "${hidden}" PARENT_SCOPE)
endfunction()
function(show variable)
    string(REPLACE "${stand_in_4}" "]" shown "${${variable}}")
    string(REPLACE "${stand_in_3}" "[" shown "${shown}")
    string(REPLACE "${stand_in_2}" ";" shown "${shown}")
    string(REPLACE "${stand_in_1}" "\\" shown "${shown}")
    set(${variable} "${shown}" PARENT_SCOPE)
endfunction()

set_property(GLOBAL PROPERTY single_files "")
set_property(GLOBAL PROPERTY single_others "")
set_property(GLOBAL PROPERTY single_text "")

# The headers that the single one leaves out, although public ones of it name them.
set(left_out "^comoq/((detail/|impl/|impl/detail/)?websocket/|(detail/|impl/|impl/detail/)?net/(tls|web_|quic_)|(detail/|impl/|impl/detail/)?(quic|h3|webtransport|hang)/)")

function(append_file name)
    get_property(files GLOBAL PROPERTY single_files)
    if(name IN_LIST files)
        return()
    endif()
    if(name MATCHES "${left_out}")
        message(FATAL_ERROR "${name} is included by a header that is part of the single one")
    endif()
    set_property(GLOBAL APPEND PROPERTY single_files "${name}")

    get_filename_component(directory "${name}" DIRECTORY)
    file(READ "${INCLUDE_DIR}/${name}" text)
    hide(text)
    string(REPLACE "\n" ";" lines "${text}")
    # The conditions around the line, innermost last: 'form' for the choice between the two forms, which is made here.
    set(conditions)
    set(kept)
    foreach(line IN LISTS lines)
        if(line MATCHES "^#pragma once" OR line MATCHES "^// SPDX-License-Identifier:")
            continue()
        endif()
        if(line MATCHES "^#[ ]*if")
            if(line STREQUAL "#if !defined(COMOQ_SEPARATE_COMPILATION)")
                list(APPEND conditions form)
            else()
                list(APPEND conditions other)
            endif()
        elseif(line MATCHES "^#[ ]*endif")
            list(POP_BACK conditions)
        elseif(line MATCHES "^#[ ]*include[ ]*[<\"]([^>\"]+)[>\"]")
            set(target "${CMAKE_MATCH_1}")
            set(own "")
            foreach(candidate "${directory}/${target}" "${target}")
                cmake_path(NORMAL_PATH candidate)
                if(EXISTS "${INCLUDE_DIR}/${candidate}")
                    set(own "${candidate}")
                    break()
                endif()
            endforeach()
            if(own)
                # Under a condition: in front of this file, and without the condition.
                if(NOT "other" IN_LIST conditions)
                    set_property(GLOBAL APPEND_STRING PROPERTY single_text "${kept}")
                    set(kept)
                endif()
                append_file("${own}")
                continue()
            elseif(NOT "other" IN_LIST conditions)
                get_property(others GLOBAL PROPERTY single_others)
                if(target IN_LIST others)
                    continue()
                endif()
                set_property(GLOBAL APPEND PROPERTY single_others "${target}")
            endif()
        endif()
        string(APPEND kept "${line}\n")
    endforeach()
    if(conditions)
        message(FATAL_ERROR "${name}: an #if has no #endif")
    endif()
    set_property(GLOBAL APPEND_STRING PROPERTY single_text "${kept}")
endfunction()

file(
    GLOB roots
    RELATIVE "${INCLUDE_DIR}"
    "${INCLUDE_DIR}/comoq/*.hpp"
    "${INCLUDE_DIR}/comoq/ietf/*.hpp"
    "${INCLUDE_DIR}/comoq/lite/*.hpp"
    "${INCLUDE_DIR}/comoq/qmux/*.hpp"
    "${INCLUDE_DIR}/comoq/net/*.hpp"
)
list(SORT roots)
list(FILTER roots EXCLUDE REGEX "src\\.hpp$|/net/(tls|web_|quic_)")
append_file(comoq/version.hpp)
append_file(comoq/config.hpp)
foreach(root IN LISTS roots)
    append_file("${root}")
endforeach()

file(STRINGS "${INCLUDE_DIR}/comoq/version.hpp" numbers REGEX "^#define COMOQ_VERSION_[MP][A-Z]+ [0-9]+$")
string(REGEX REPLACE "[^;0-9]" "" version "${numbers}")
string(REPLACE ";" "." version "${version}")

file(READ "${SOURCE_DIR}/LICENSE" licence)
string(REGEX REPLACE "\n+$" "" licence "${licence}")
string(REPLACE "\n" "\n// " licence "// ${licence}")
string(REGEX REPLACE " +\n" "\n" licence "${licence}")
hide(licence)

get_property(text GLOBAL PROPERTY single_text)
foreach(pass RANGE 1 3)
    string(REPLACE "\n\n\n" "\n\n" text "${text}")
endforeach()
string(
    CONCAT text
    "// comoq ${version} as one header, made by cmake/single_header.cmake.\n//\n// SPDX-License-Identifier: MIT\n//\n"
    "${licence}\n#pragma once\n\n"
    "#if defined(COMOQ_SEPARATE_COMPILATION)\n"
    "#error \"the single header of comoq is header-only: do not define COMOQ_SEPARATE_COMPILATION\"\n#endif\n"
    "${text}"
)
show(text)
file(WRITE "${OUTPUT}" "${text}")
get_property(files GLOBAL PROPERTY single_files)
list(LENGTH files count)
file(SIZE "${OUTPUT}" size)
message(STATUS "${count} files, ${size} bytes: ${OUTPUT}")
