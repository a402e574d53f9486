# cmake -DLIBRARY=libcomoq_c.so -DNM=nm -DCC=cc -DSOURCE_DIR=... -DWORK_DIR=... [-DWRITE=ON] -P abi.cmake
#
# Compares the functions that the library exports, and where the fields of the structures are, with tests/c/abi.txt. WRITE writes
# that file anew: for changes that are meant.
cmake_minimum_required(VERSION 3.22)

execute_process(COMMAND "${NM}" -D --defined-only "${LIBRARY}" OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n ]+\n" names "${symbols}")
set(found)
foreach(name IN LISTS names)
    string(STRIP "${name}" name)
    string(REGEX REPLACE "@.*" "" name "${name}")
    if(NOT name STREQUAL "COMOQ_0")
        list(APPEND found "function ${name}\n")
    endif()
endforeach()
list(SORT found)

# Each structure of the headers, with its fields.
file(GLOB headers "${SOURCE_DIR}/include/comoq/c/*.h")
set(prints)
foreach(header IN LISTS headers)
    file(READ "${header}" text)
    string(REGEX REPLACE "/\\*[^*]*\\*+([^/*][^*]*\\*+)*/" "" text "${text}")
    string(REPLACE ";" "@" text "${text}")
    string(REGEX MATCHALL "typedef struct comoq_[a-z_]+ {[^}]*}" structures "${text}")
    foreach(structure IN LISTS structures)
        string(REGEX MATCH "struct (comoq_[a-z_]+)" whole "${structure}")
        set(type "${CMAKE_MATCH_1}")
        string(APPEND prints "    printf(\"structure ${type} %zu\\n\", sizeof(${type}));\n")
        string(REGEX MATCHALL "[a-z_0-9]+(\\)\\([^)]*\\))?[,@]" fields "${structure}")
        foreach(field IN LISTS fields)
            string(REGEX MATCH "^[a-z_0-9]+" field "${field}")
            string(APPEND prints "    printf(\"field ${type}.${field} %zu\\n\", offsetof(${type}, ${field}));\n")
        endforeach()
    endforeach()
endforeach()
file(WRITE "${WORK_DIR}/layout.c" "#include <comoq/c.h>\n#include <stdio.h>\nint main(void) {\n${prints}    return 0;\n}\n")
execute_process(
    COMMAND "${CC}" -std=c11 "-I${SOURCE_DIR}/include" "${WORK_DIR}/layout.c" -o "${WORK_DIR}/layout" COMMAND_ERROR_IS_FATAL ANY
)
execute_process(COMMAND "${WORK_DIR}/layout" OUTPUT_VARIABLE layout COMMAND_ERROR_IS_FATAL ANY)

string(CONCAT now ${found} "${layout}")
if(WRITE)
    file(WRITE "${SOURCE_DIR}/tests/c/abi.txt" "${now}")
    return()
endif()
file(READ "${SOURCE_DIR}/tests/c/abi.txt" listed)
if(NOT now STREQUAL listed)
    file(WRITE "${WORK_DIR}/abi.txt" "${now}")
    message(FATAL_ERROR "The library's interface differs from tests/c/abi.txt: compare it with ${WORK_DIR}/abi.txt")
endif()
