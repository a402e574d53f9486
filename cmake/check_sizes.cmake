# cmake -DSOURCE_DIR=... -P check_sizes.cmake: no file that is written by hand has more lines than can be read in one go. A file that
# grows beyond that has two ideas: split it, and name each part after its own. check_documents.cmake runs this as well.
cmake_minimum_required(VERSION 3.22)

set(most_lines 400)
# Files with more, and the reason.
set(long_files
    tests/histories/origin.cpp    "one class plays the calls of an origin and of its model, which share all of their state"
    examples/web/style.css        "one sheet for all pages, in the order in which its rules win"
)

set(long_faults "")
set(count 0)
# What is written by hand: not the locks of package managers, recorded media and results, or what stands in folders of packages.
foreach(place IN ITEMS .ci .github cmake examples include tests)
    file(
        GLOB_RECURSE files
        RELATIVE "${SOURCE_DIR}"
        "${SOURCE_DIR}/${place}/*.hpp" "${SOURCE_DIR}/${place}/*.h" "${SOURCE_DIR}/${place}/*.ipp" "${SOURCE_DIR}/${place}/*.cpp"
        "${SOURCE_DIR}/${place}/*.c" "${SOURCE_DIR}/${place}/*.cmake" "${SOURCE_DIR}/${place}/CMakeLists.txt" "${SOURCE_DIR}/${place}/*.sh"
        "${SOURCE_DIR}/${place}/*.py" "${SOURCE_DIR}/${place}/*.mjs" "${SOURCE_DIR}/${place}/*.js" "${SOURCE_DIR}/${place}/*.ts"
        "${SOURCE_DIR}/${place}/*.css" "${SOURCE_DIR}/${place}/*.html" "${SOURCE_DIR}/${place}/*.go" "${SOURCE_DIR}/${place}/*.kt"
        "${SOURCE_DIR}/${place}/*.swift" "${SOURCE_DIR}/${place}/*.rs" "${SOURCE_DIR}/${place}/*.md"
    )
    list(FILTER files EXCLUDE REGEX "(^|/)(node_modules|dist|build|target|venv|\\.[a-z]*_cache|\\.build)/")
    if(place STREQUAL ".ci")
        list(APPEND files .ci/run)
    endif()
    foreach(file IN LISTS files)
        math(EXPR count "${count} + 1")
        # A quick look first: most files are far too small to have that many lines.
        file(SIZE "${SOURCE_DIR}/${file}" bytes)
        if(bytes LESS_EQUAL most_lines)
            continue()
        endif()
        file(READ "${SOURCE_DIR}/${file}" text)
        string(REGEX REPLACE "[^\n]+" "" text "${text}")
        string(LENGTH "${text}" lines)
        if(lines GREATER most_lines AND NOT file IN_LIST long_files)
            string(APPEND long_faults "${file} has ${lines} lines, of at most ${most_lines}\n")
        elseif(lines LESS_EQUAL most_lines AND file IN_LIST long_files)
            string(APPEND long_faults "${file} is an exception in check_sizes.cmake, and has no need of it\n")
        endif()
    endforeach()
endforeach()

if(NOT long_faults STREQUAL "")
    message(FATAL_ERROR "${long_faults}")
endif()
message(STATUS "${count} files have at most ${most_lines} lines each, but those that check_sizes.cmake names")
