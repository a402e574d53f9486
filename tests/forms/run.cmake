# cmake -DCXX=... -DFLAGS=... -DLIBRARIES=... -DWORK_DIR=... -P run.cmake
#
# A program whose files disagree about COMOQ_SEPARATE_COMPILATION is refused by the linker, and one whose files agree is not.

cmake_minimum_required(VERSION 3.22)

file(MAKE_DIRECTORY "${WORK_DIR}")
foreach(source IN ITEMS one other)
    foreach(form IN ITEMS headers compiled)
        set(definitions)
        if(form STREQUAL "compiled")
            set(definitions -DCOMOQ_SEPARATE_COMPILATION -DASIO_SEPARATE_COMPILATION)
        endif()
        execute_process(
            COMMAND "${CXX}" -std=c++20 -O0 ${FLAGS} ${definitions} -c "${CMAKE_CURRENT_LIST_DIR}/${source}.cpp"
                    -o "${WORK_DIR}/${source}-${form}.o" COMMAND_ERROR_IS_FATAL ANY
        )
    endforeach()
endforeach()

# FORM OF ONE, FORM OF THE OTHER, and whether they may be linked together.
function(link one other may)
    set(libraries ${LIBRARIES})
    execute_process(
        COMMAND "${CXX}" "${WORK_DIR}/one-${one}.o" "${WORK_DIR}/other-${other}.o" -o "${WORK_DIR}/program" ${libraries} -pthread
        RESULT_VARIABLE result
        ERROR_VARIABLE error
        OUTPUT_QUIET
    )
    if(may AND NOT result EQUAL 0)
        message(FATAL_ERROR "${one} and ${other} do not link:\n${error}")
    elseif(NOT may AND result EQUAL 0)
        message(FATAL_ERROR "${one} and ${other} link")
    elseif(NOT may AND NOT error MATCHES "comoq_compiled_and_header_only_are_mixed")
        message(FATAL_ERROR "${one} and ${other} do not link, for another reason:\n${error}")
    endif()
    message(STATUS "${one} and ${other}: as it should be")
endfunction()
link(headers headers TRUE)
link(compiled compiled TRUE)
link(headers compiled FALSE)
link(compiled headers FALSE)
