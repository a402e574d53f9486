# cmake -P cmake/coverage.cmake: builds the tests with the newest clang of this system, runs them once, and prints their
# coverage of include/ by llvm-cov: the lines and branches of every header (every condition, both ways). Less than 95 % of the
# lines or 85 % of the branches is an error. Uncovered lines and branches are written to uncovered.txt in the build
# directory; tests/uncovered.md gives the reasons.

include("${CMAKE_CURRENT_LIST_DIR}/setup.cmake")

set(least_lines 95)
set(least_branches 85)

comoq_setup(
    NAME coverage
    PACKAGES Asio fmt Catch2
    OPTIONAL Wslay OpenSSL
    OPTIONS "-DCMAKE_TOOLCHAIN_FILE=${CMAKE_CURRENT_LIST_DIR}/clang.cmake" -DCMAKE_BUILD_TYPE=Debug
            "-DCMAKE_CXX_FLAGS_DEBUG=-O0 -g1 -fprofile-instr-generate -fcoverage-mapping"
            # With precompiled headers, 70 % of the lines count as run instead of 98 (clang 19).
            -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DCOMOQ_BUILD_TESTS=ON -DCOMOQ_BUILD_EXAMPLES=OFF
            -DCOMOQ_CHECK_HEADERS=OFF -DCOMOQ_BUILD_SCHEDULES=OFF
    TARGET comoq_tests
)

# Of the compiler's version, because they read its output.
file(GLOB compiler_files "${BUILD_DIR}/CMakeFiles/*/CMakeCXXCompiler.cmake")
list(GET compiler_files 0 compiler_file)
include("${compiler_file}")
string(REGEX MATCH "^[0-9]+" version "${CMAKE_CXX_COMPILER_VERSION}")
foreach(tool llvm-cov llvm-profdata)
    find_program(${tool} NAMES ${tool}-${version} ${tool} NO_CACHE)
    if(NOT ${tool})
        message(FATAL_ERROR "${tool} not found (Debian: llvm-${version})")
    endif()
endforeach()

set(program "${BUILD_DIR}/tests/comoq_tests")
message(STATUS "Running the tests")
# In two halves side by side, since a test uses one processor. Each writes to a file of its own.
set(halves "[lite],[proxy],[mirror],[faults]" "~[lite]~[proxy]~[mirror]~[faults]")
set(commands)
set(profiles)
set(number 0)
foreach(half IN LISTS halves)
    math(EXPR number "${number} + 1")
    set(run "${BUILD_DIR}/tests-${number}")
    list(APPEND commands COMMAND sh -c "LLVM_PROFILE_FILE='${run}.profraw' exec '${program}' '${half}' >'${run}.txt' 2>&1")
    list(APPEND profiles "${run}.profraw")
endforeach()
execute_process(${commands} RESULTS_VARIABLE results)
set(number 0)
foreach(result IN LISTS results)
    math(EXPR number "${number} + 1")
    file(READ "${BUILD_DIR}/tests-${number}.txt" said)
    if(NOT result EQUAL 0 OR NOT said MATCHES "All tests passed \\([0-9]+ assertions in [0-9][0-9]+ test cases\\)")
        message("${said}")
        message(FATAL_ERROR "The tests failed: ${result}")
    endif()
endforeach()
execute_process(
    COMMAND "${llvm-profdata}" merge -sparse ${profiles} -o "${BUILD_DIR}/tests.profdata"
    COMMAND_ERROR_IS_FATAL ANY
)
set(of_headers "${program}" "-instr-profile=${BUILD_DIR}/tests.profdata")
execute_process(
    COMMAND "${llvm-cov}" report ${of_headers} -show-region-summary=false -show-branch-summary "${SOURCE_DIR}/include"
    OUTPUT_VARIABLE report
    COMMAND_ERROR_IS_FATAL ANY
)
message("${report}")

# Lines without an executed instance, and branches that went only one way or none.
execute_process(
    COMMAND "${llvm-cov}" export -format=lcov ${of_headers} "${SOURCE_DIR}/include"
    OUTPUT_FILE "${BUILD_DIR}/tests.lcov"
    COMMAND_ERROR_IS_FATAL ANY
)
file(STRINGS "${BUILD_DIR}/tests.lcov" records REGEX "^(SF:|DA:[0-9]+,0$|BRDA:[0-9]+,[0-9]+,[0-9]+,(0|-)$)")
set(uncovered)
foreach(record IN LISTS records)
    if(record MATCHES "^SF:(.*)$")
        file(RELATIVE_PATH file "${SOURCE_DIR}" "${CMAKE_MATCH_1}")
    elseif(record MATCHES "^DA:([0-9]+)")
        string(APPEND uncovered "${file}:${CMAKE_MATCH_1}: not run\n")
    elseif(record MATCHES "^BRDA:([0-9]+)")
        string(APPEND uncovered "${file}:${CMAKE_MATCH_1}: a branch not taken\n")
    endif()
endforeach()
file(WRITE "${BUILD_DIR}/uncovered.txt" "${uncovered}")

if(NOT report MATCHES "TOTAL +[0-9]+ +[0-9]+ +[0-9.]+% +[0-9]+ +[0-9]+ +([0-9]+)\\.[0-9]+% +[0-9]+ +[0-9]+ +([0-9]+)\\.[0-9]+%")
    message(FATAL_ERROR "llvm-cov's report has an unexpected format")
endif()
message(STATUS "Uncovered lines and branches: ${BUILD_DIR}/uncovered.txt")
if(CMAKE_MATCH_1 LESS least_lines OR CMAKE_MATCH_2 LESS least_branches)
    message(FATAL_ERROR "Less than ${least_lines} % of the lines or ${least_branches} % of the branches")
endif()
