# Copies the library's headers to DESTINATION/comoq, with tests/schedules/sync.hpp in the place of detail/wait/sync.hpp. The other
# headers are unchanged, except for DEFECTS, if given: a list of files that set `header`, `search` (which must occur once) and
# `replace`, in which SEEDED is true when the defect is switched on: COMOQ_SEEDED_DEFECT in the environment is its place in the
# list, from 1. One program therefore has all of them, where a program for each took 28 compilations instead of 5.
file(GLOB_RECURSE headers RELATIVE "${SOURCE}/include" "${SOURCE}/include/comoq/*.hpp"
     "${SOURCE}/include/comoq/*.ipp")
foreach(path IN LISTS headers)
    set(from "${SOURCE}/include/${path}")
    if(path STREQUAL "comoq/detail/wait/sync.hpp")
        set(from "${SOURCE}/tests/schedules/sync.hpp")
    endif()
    file(READ "${from}" text_of_${path})
endforeach()
set(number 0)
foreach(defect IN LISTS DEFECTS)
    math(EXPR number "${number} + 1")
    include("${defect}")
    string(FIND "${text_of_comoq/${header}}" "${search}" first)
    string(FIND "${text_of_comoq/${header}}" "${search}" last REVERSE)
    if(first EQUAL -1 OR NOT first EQUAL last)
        message(FATAL_ERROR "${defect}: what it searches for is not in ${header} once")
    endif()
    string(REPLACE SEEDED "comoq::schedule::seeded(${number})" replace "${replace}")
    string(REPLACE "${search}" "${replace}" text_of_comoq/${header} "${text_of_comoq/${header}}")
endforeach()
foreach(path IN LISTS headers)
    file(CONFIGURE OUTPUT "${DESTINATION}/${path}" CONTENT "${text_of_${path}}" @ONLY)
endforeach()
