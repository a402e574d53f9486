# cmake -DSOURCE_DIR=... -P check_words.cmake: turns of phrase that are not English, or that name nobody, in comments, messages, help
# texts and names of tests. Only turns that a line shows without doubt are here: word order is for readers. Pages (*.md) have
# more of them in check_documents.cmake, which runs this as well.
cmake_minimum_required(VERSION 3.22)

# What a turn looks like, and what to write in its place.
set(turns
    " (is|are|was|were) no [a-z]"            "'is not a', or a verb"
    " so many (a |at |as |[a-z]+s )"         "'this many', or the number"
    "(^|[^a-z])(for|to|than|reaches|answers|serves|only) who [a-z]"  "a noun: 'for a reader that'"
    "(: |[.] |// |\")[Ww]ho [a-z]+(s|ed) "  "a noun: 'a reader that'"
    "(^|[^a-z])which see"                    "'see', in a clause of its own"
    " to be had([^a-z]|$)"                   "'available'"
    " in the moment([^a-z]|$)"               "'at the moment', or 'now'"
    "(^|[^a-z])[Ii]nformations"              "'information'"
    " (allow|allows|permits|enables) to "    "'lets' and a noun"
    " possibility to "                       "'can'"
    " consists? out of "                     "'consists of'"
    " depends? from "                        "'depends on'"
    " different than "                       "'different from', or 'other than'"
    " can not "                              "'cannot'"
    " up to now([^a-z]|$)"                   "'so far', or 'yet'"
)
# These are English.
set(fine "[Tt]here (is|are|was|were) no |no (longer|more|less|fewer|later|older|earlier|larger|faster) |who may |who publishes which ")

# The advice for the first turn in the line; nothing if it has none.
function(advice_for line result)
    set(${result} "" PARENT_SCOPE)
    string(REGEX REPLACE "${fine}" "" line "${line}")
    list(LENGTH turns count)
    math(EXPR last "${count} - 1")
    foreach(at RANGE 0 ${last} 2)
        list(GET turns ${at} turn)
        if(line MATCHES "${turn}")
            math(EXPR at "${at} + 1")
            list(GET turns ${at} advice)
            set(${result} "write ${advice}" PARENT_SCOPE)
            return()
        endif()
    endforeach()
endfunction()

set(word_faults "")

# The rules themselves.
foreach(line IN ITEMS
    "TEST_CASE(\"a track: who asks is told\"" "// Who leaves is told." "// a random id for who takes part" "a port is no number"
    "fmt::print(\"who stayed is lost\")" "and so many a second" "no path is to be had" "it allows to read" "as proxy, which see, has it")
    advice_for("${line}" advice)
    if(advice STREQUAL "")
        string(APPEND word_faults "check_words.cmake does not find the turn in: ${line}\n")
    endif()
endforeach()
foreach(line IN ITEMS
    "// Who may publish, and where" "tree: who publishes which path" "a line says who connects" "everyone who asks for it" "the peer, who asks for it" "is no longer there"
    "null if there is no memory" "it was no more than a guess" "so that many readers wait" "if (who < 3)" "it is allowed to read")
    advice_for("${line}" advice)
    if(NOT advice STREQUAL "")
        string(APPEND word_faults "check_words.cmake finds a turn in: ${line}\n")
    endif()
endforeach()

file(
    GLOB_RECURSE texts
    RELATIVE "${SOURCE_DIR}"
    "${SOURCE_DIR}/include/*.hpp" "${SOURCE_DIR}/include/*.ipp"
    "${SOURCE_DIR}/examples/*.hpp" "${SOURCE_DIR}/examples/*.cpp" "${SOURCE_DIR}/examples/*.md" "${SOURCE_DIR}/examples/*.js"
    "${SOURCE_DIR}/tests/*.hpp" "${SOURCE_DIR}/tests/*.cpp" "${SOURCE_DIR}/tests/*.md" "${SOURCE_DIR}/tests/*.cmake"
    "${SOURCE_DIR}/tests/*.mjs" "${SOURCE_DIR}/tests/*.py" "${SOURCE_DIR}/tests/*.sh"
    "${SOURCE_DIR}/cmake/*.md" "${SOURCE_DIR}/cmake/*.in" "${SOURCE_DIR}/cmake/*.cmake" "${SOURCE_DIR}/.github/*.md" "${SOURCE_DIR}/*.md"
)
list(FILTER texts EXCLUDE REGEX "(^|/)(build|dist|node_modules)/|^cmake/check_(words|documents)\\.cmake$")
# Nearly every file has none of these: one question for all turns. CMake allows few brackets in one.
set(any "no |o many |[Ww]ho |which see|to be had|the moment|nformations|llows? to|ermits to|nables to|ossibility|onsists? out|epends? from|different than|can not|up to now")
foreach(name IN LISTS texts)
    file(STRINGS "${SOURCE_DIR}/${name}" lines REGEX "${any}")
    foreach(line IN LISTS lines)
        advice_for("${line}" advice)
        if(NOT advice STREQUAL "")
            string(STRIP "${line}" line)
            string(APPEND word_faults "${name}: ${line}\n    ${advice}\n")
        endif()
    endforeach()
endforeach()

if(NOT word_faults STREQUAL "")
    message(FATAL_ERROR "${word_faults}")
endif()
list(LENGTH texts count)
message(STATUS "${count} files: none has a turn of phrase that is not English")
