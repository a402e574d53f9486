# cmake -DSOURCE_DIR=... -P check_documents.cmake: the documents against the tree. The front page is short, and its program is that
# of examples/request_broadcast.cpp; every link to a file or a heading of this repository has its target, and every file that a
# page names is there; no page has a turn of phrase that is not English, nor has a comment, a message or a name of a test
# (check_words.cmake).
cmake_minimum_required(VERSION 3.22)

set(longest_front_page 8192)
set(banned
    " is no "
    " are no "
    "so many "
    " to be had"
    "[Ff]or who "
    " who has "
    "leaves no "
    " which see"
    "[Ii]nformations"
    " in the moment "
    " allows to "
)

set(faults "")
macro(fault)
    string(APPEND faults "${ARGV0}\n")
endmacro()

# CMake takes brackets and semicolons in a list's elements for its own.
function(read_text path result)
    file(READ "${path}" text)
    string(REPLACE ";" "," text "${text}")
    string(REPLACE "[" "<" text "${text}")
    string(REPLACE "]" ">" text "${text}")
    set(${result} "${text}" PARENT_SCOPE)
endfunction()

# The anchors of a page's headings, as a forge makes them.
function(anchors_of path result)
    read_text("${path}" text)
    string(REGEX MATCHALL "\n#+ [^\n]+" headings "\n${text}")
    set(anchors "")
    foreach(heading IN LISTS headings)
        string(REGEX REPLACE "^\n#+ " "" anchor "${heading}")
        string(TOLOWER "${anchor}" anchor)
        string(REGEX REPLACE "[^a-z0-9 _-]" "" anchor "${anchor}")
        string(REPLACE " " "-" anchor "${anchor}")
        list(APPEND anchors "${anchor}")
    endforeach()
    set(${result} "${anchors}" PARENT_SCOPE)
endfunction()

file(
    GLOB pages
    "${SOURCE_DIR}/*.md"
    "${SOURCE_DIR}/.github/*.md"
    "${SOURCE_DIR}/cmake/*.md"
    "${SOURCE_DIR}/examples/*.md"
    "${SOURCE_DIR}/examples/bindings/*.md"
    "${SOURCE_DIR}/examples/bindings/*/*.md"
    "${SOURCE_DIR}/examples/c/*.md"
    "${SOURCE_DIR}/examples/guide/*.md"
    "${SOURCE_DIR}/examples/web/*.md"
    "${SOURCE_DIR}/include/comoq/*.md"
    "${SOURCE_DIR}/tests/*.md"
    "${SOURCE_DIR}/tests/bench/*.md"
    "${SOURCE_DIR}/tests/bench/peer/*.md"
    "${SOURCE_DIR}/tests/interop/*.md"
)
foreach(page IN LISTS pages)
    file(RELATIVE_PATH name "${SOURCE_DIR}" "${page}")
    get_filename_component(directory "${page}" DIRECTORY)
    read_text("${page}" text)
    # Code has brackets of its own.
    string(REGEX REPLACE "```[^`]*```" "" prose "${text}")
    string(REGEX REPLACE "`[^`\n]*`" "code" prose "${prose}")

    string(REGEX MATCHALL ">\\([^) ]+\\)" links "${prose}")
    foreach(link IN LISTS links)
        string(REGEX REPLACE "^>\\((.*)\\)$" "\\1" target "${link}")
        if(target MATCHES "^[a-z]+://")
            continue()
        endif()
        string(REGEX MATCH "^[^#]*" file "${target}")
        string(REGEX MATCH "#(.*)$" anchor "${target}")
        set(anchor "${CMAKE_MATCH_1}")
        set(file "${directory}/${file}")
        if(target MATCHES "^#")
            set(file "${page}")
        endif()
        if(NOT EXISTS "${file}")
            fault("${name}: ${target} does not exist")
        elseif(NOT anchor STREQUAL "")
            anchors_of("${file}" anchors)
            if(NOT anchor IN_LIST anchors)
                fault("${name}: ${target} has no such heading")
            endif()
        endif()
    endforeach()

    # Files of the library that a page names; impl/x.ipp stands for all of its kind.
    string(REGEX MATCHALL "`[a-z_0-9]+/[a-z_0-9/]+\\.[hic]pp`" named "${text}")
    foreach(file IN LISTS named)
        string(REPLACE "`" "" file "${file}")
        set(found FALSE)
        foreach(place IN ITEMS "" include/ include/comoq/ tests/ examples/)
            if(EXISTS "${SOURCE_DIR}/${place}${file}" OR file MATCHES "^(asio|build)/|^impl/x\\.ipp$")
                set(found TRUE)
            endif()
        endforeach()
        if(NOT found)
            fault("${name}: ${file} does not exist")
        endif()
    endforeach()

    string(REGEX REPLACE "[ \n]+" " " running "${prose}")
    foreach(turn IN LISTS banned)
        if(running MATCHES "[^.:|]*${turn}[^.:|]*")
            fault("${name}: '${turn}' in: ${CMAKE_MATCH_0}")
        endif()
    endforeach()
endforeach()

file(SIZE "${SOURCE_DIR}/README.md" size)
if(size GREATER longest_front_page)
    fault("README.md has ${size} bytes, of at most ${longest_front_page}")
endif()
file(READ "${SOURCE_DIR}/README.md" front)
string(FIND "${front}" "```cpp\n" begin)
math(EXPR begin "${begin} + 7")
string(SUBSTRING "${front}" ${begin} -1 program)
string(FIND "${program}" "```" end)
string(SUBSTRING "${program}" 0 ${end} program)
file(READ "${SOURCE_DIR}/examples/request_broadcast.cpp" example)
string(FIND "${example}" "${program}" at)
if(at EQUAL -1)
    fault("README.md: its program is not that of examples/request_broadcast.cpp")
endif()

if(NOT faults STREQUAL "")
    message(FATAL_ERROR "${faults}")
endif()
list(LENGTH pages count)
message(STATUS "${count} pages: the front page has ${size} bytes, every link has a target")

include("${CMAKE_CURRENT_LIST_DIR}/check_words.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/check_sizes.cmake")
