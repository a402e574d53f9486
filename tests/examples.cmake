# Runs every example and checks its output. media_relay also gets every kind of wrong input.

function(comoq_check_example name)
    add_test(NAME "examples: ${name}" COMMAND "${CMAKE_COMMAND}" ${ARGN})
    set_tests_properties("examples: ${name}" PROPERTIES TIMEOUT 300)
endfunction()

set(check "${CMAKE_CURRENT_SOURCE_DIR}/examples/check.cmake")
set(clip "${PROJECT_SOURCE_DIR}/examples/media/clip.mp4")
set(inputs "${CMAKE_CURRENT_BINARY_DIR}/examples-inputs")
set(received "${CMAKE_CURRENT_BINARY_DIR}/examples-received")

comoq_check_example(
    request_broadcast
    -DSTDOUT=^hello.from.room/42/alice\n$ -P ${check} -- $<TARGET_FILE:request_broadcast>
)
foreach(example announce_watch catalog_on_demand time_shift)
    comoq_check_example(
        ${example}
        -DSTDOUT_FILE=${CMAKE_CURRENT_SOURCE_DIR}/examples/${example}.txt -P ${check} -- $<TARGET_FILE:${example}>
    )
endforeach()

# ---- the guide: its pages against its programs, and those run ----

add_test(NAME guide COMMAND "${CMAKE_COMMAND}" "-DSOURCE_DIR=${PROJECT_SOURCE_DIR}" -P "${PROJECT_SOURCE_DIR}/cmake/check_guide.cmake")
get_target_property(pages comoq_guide PAGES)
foreach(page IN LISTS pages)
    comoq_check_example(
        "guide, ${page}"
        "-DSOURCE_DIR=${PROJECT_SOURCE_DIR}" -DPROGRAM=$<TARGET_FILE:comoq_guide> -DPAGE=${page}
        -P "${PROJECT_SOURCE_DIR}/cmake/check_guide.cmake"
    )
endforeach()

# ---- media_relay on good input ----

set(media_relay $<TARGET_FILE:media_relay>)
set(all_well "request pending.*upstream fetches: 1\n.*identical: yes\n$")

comoq_check_example("media_relay, as it comes" "-DSTDOUT=^8 viewers.*which has 1 ${all_well}" -P ${check} -- ${media_relay})
foreach(viewers 1 8 50)
    comoq_check_example(
        "media_relay, what ${viewers} viewers received"
        -DSTDOUT=${all_well}
        -DOUT_DIR=${received}/${viewers}/new
        -DCOUNT=${viewers}
        -DREFERENCE=${clip}
        -P ${check} --
        ${media_relay} ${clip} --viewers ${viewers} --out ${received}/${viewers}/new
    )
endforeach()
comoq_check_example(
    "media_relay, unusual boxes"
    -DSTDOUT=${all_well}
    -DOUT_DIR=${received}/unusual
    -DCOUNT=2
    -DREFERENCE=${inputs}/unusual_with_sizes
    -P ${check} --
    ${media_relay} --out ${received}/unusual --viewers 2 ${inputs}/unusual
)
if(TARGET comoq::hang)
    comoq_check_example(
        "media_relay, as hang" -DSTDOUT=${all_well} -P ${check} -- ${media_relay} ${clip} --hang --viewers 8 --out ${received}/hang
    )
    comoq_check_example(
        "media_relay, as hang, a file: text" -DEXIT=1 -DSTDOUT=^$ "-DSTDERR=^media_relay: '[^\n]*/text' is not an MP4" -P ${check} --
        ${media_relay} ${inputs}/text --hang
    )
    set_tests_properties("examples: media_relay, as hang, a file: text" PROPERTIES FIXTURES_REQUIRED comoq_example_inputs)
endif()
comoq_check_example("media_relay --help" -DSTDOUT=^usage:.*--viewers.*--out -P ${check} -- ${media_relay} --help)

# ---- media_relay on wrong input: one line on stderr, nothing on stdout, and an exit code for the kind of error ----

add_test(
    NAME "examples: inputs for media_relay" COMMAND "${CMAKE_COMMAND}" -DCLIP=${clip} -DDIR=${inputs} -P
                                                    "${CMAKE_CURRENT_SOURCE_DIR}/examples/make_inputs.cmake"
)
set_tests_properties("examples: inputs for media_relay" PROPERTIES FIXTURES_SETUP comoq_example_inputs)
set_tests_properties("examples: media_relay, unusual boxes" PROPERTIES FIXTURES_REQUIRED comoq_example_inputs)

function(comoq_check_bad_file file message)
    comoq_check_example(
        "media_relay, file: ${file}" -DEXIT=1 -DSTDOUT=^$ "-DSTDERR=^media_relay: '[^\n]*/${file}' (${message})" -P ${check} --
        ${media_relay} ${inputs}/${file}
    )
    set_tests_properties("examples: media_relay, file: ${file}" PROPERTIES FIXTURES_REQUIRED comoq_example_inputs)
endfunction()

comoq_check_bad_file(not_there "is not there")
comoq_check_bad_file(text/not_there "is not there|cannot be read")
comoq_check_bad_file(directory "is a directory")
comoq_check_bad_file(empty "is empty")
comoq_check_bad_file(five_bytes "is not an MP4")
comoq_check_bad_file(text "is not an MP4")
comoq_check_bad_file(noise "is not an MP4")
comoq_check_bad_file(cut_in_ftyp "is truncated: box 'ftyp'")
comoq_check_bad_file(cut_after_ftyp "has no moov box")
comoq_check_bad_file(cut_in_moov "is truncated: box 'moov'")
comoq_check_bad_file(cut_in_header "is truncated: the last 4 bytes")
comoq_check_bad_file(cut_in_moof "is truncated: box 'moof'")
comoq_check_bad_file(cut_after_moof "is truncated: it ends after a moof")
comoq_check_bad_file(cut_in_mdat "is truncated: box 'mdat'")
comoq_check_bad_file(cut_by_one "is truncated: box 'mfra'")
comoq_check_bad_file(init "is not fragmented")
comoq_check_bad_file(ordinary "is not fragmented")
comoq_check_bad_file(moof_first "is damaged: a moof box")
comoq_check_bad_file(box_of_3 "is damaged: box 'free'")
comoq_check_bad_file(box_of_4_gib "is truncated: box 'free'")
comoq_check_bad_file(box_of_16_eib "is truncated: box 'free'")
comoq_check_bad_file(large_box_of_15 "is damaged: box 'free'")
comoq_check_bad_file(large_box_cut "is truncated: the last 10 bytes")
comoq_check_bad_file(large_fragment "has a fragment that is too large")

function(comoq_check_bad_use name exit message)
    comoq_check_example(
        "media_relay, use: ${name}" -DEXIT=${exit} -DSTDOUT=^$ "-DSTDERR=^media_relay: ${message}" -P ${check} --
        ${media_relay} ${ARGN}
    )
    set_tests_properties("examples: media_relay, use: ${name}" PROPERTIES FIXTURES_REQUIRED comoq_example_inputs)
endfunction()

foreach(viewers 0 -1 abc 8x +8 1001 99999999999999999999999999)
    comoq_check_bad_use("--viewers ${viewers}" 2 "--viewers takes a number" --viewers ${viewers})
endforeach()
comoq_check_bad_use("--viewers without a number" 2 "--viewers needs a value" ${clip} --viewers)
comoq_check_bad_use("--out without a directory" 2 "--out needs a value" --out)
comoq_check_bad_use("unknown option" 2 "unknown option '--frobnicate'" --frobnicate)
comoq_check_bad_use("a file name of two lines" 1 "'one[?]two' is not there" "one\ntwo")
comoq_check_bad_use("two files" 2 "unexpected argument [^\n]* [(]see --help[)]" ${clip} ${clip})
comoq_check_bad_use("--out below a file" 1 "'[^\n]*/text/below' cannot be created" --out ${inputs}/text/below)
comoq_check_bad_use("--out is a file" 1 "'[^\n]*/text[^\n]*' cannot be created" --out ${inputs}/text)

# ---- programs that speak over a network ----

find_program(bash bash)
if(TARGET comoq_example_net AND bash)
    # A client that tries what no program of the examples does.
    add_executable(comoq_outsider examples/outsider.cpp)
    target_link_libraries(comoq_outsider PRIVATE comoq_developer_once comoq_example_net)
    find_program(python3 python3)
    set(quic_cases)
    if(TARGET comoq::net_quic)
        set(quic_cases quic quic_chain https no_udp certificates)
        if(python3)
            list(APPEND quic_cases bad_link quic_threads)
        endif()
    endif()
    set(token_cases)
    # They sign by it.
    find_program(openssl openssl)
    if(TARGET comoq_example_tokens AND openssl)
        set(token_cases tokens token_folder peers)
        if(python3)
            list(APPEND token_cases auth_service auth_service_tls)
        endif()
        if(TARGET comoq::net_quic)
            list(APPEND token_cases quic_tokens)
        endif()
    endif()
    if(TARGET comoq_example_config AND TARGET comoq_example_tokens)
        list(APPEND token_cases config config_options)
    endif()
    foreach(case websocket tcp tls name chain skipped path_allow signals drain web web_media clock stats help pages secrets sources large_files
                 interrupted output roots isolation rights logs log_flood frozen transcoder recorder moq_test ${token_cases} ${quic_cases})
        add_test(
            NAME "examples: network, ${case}"
            COMMAND "${bash}" "${CMAKE_CURRENT_SOURCE_DIR}/examples/network.sh" $<TARGET_FILE_DIR:relay> ${case}
        )
        set_tests_properties("examples: network, ${case}" PROPERTIES TIMEOUT 300
            ENVIRONMENT "OUTSIDER=$<TARGET_FILE:comoq_outsider>"
        )
    endforeach()
    add_test(
        NAME "examples: wrong runs" COMMAND "${bash}" "${CMAKE_CURRENT_SOURCE_DIR}/examples/wrong_runs.sh"
                                            $<TARGET_FILE_DIR:relay>
    )
    set_tests_properties("examples: wrong runs" PROPERTIES TIMEOUT 300)
endif()

# The parts of the examples, by themselves.
target_sources(comoq_tests PRIVATE examples/begin_there.cpp examples/recorder.cpp
                                   examples/rights.cpp examples/transcoder.cpp
)
target_sources(comoq_tests PRIVATE examples/moq_test.cpp examples/web_route.cpp)
foreach(part check properties serve test_track)
    target_sources(comoq_tests PRIVATE "${PROJECT_SOURCE_DIR}/examples/moq_test/${part}.cpp")
endforeach()
foreach(part metrics rights web_route)
    target_sources(comoq_tests PRIVATE "${PROJECT_SOURCE_DIR}/examples/relay/${part}.cpp")
endforeach()
# What the relay logs needs the fields of HTTP.
if(TARGET comoq::websocket)
    target_sources(comoq_tests PRIVATE examples/relay_log.cpp examples/web_costs.cpp)
    foreach(part guest_log log log_budget web_media)
        target_sources(comoq_tests PRIVATE "${PROJECT_SOURCE_DIR}/examples/relay/${part}.cpp")
    endforeach()
endif()
target_link_libraries(comoq_tests PRIVATE comoq_example_shared)
if(TARGET comoq_example_config)
    target_sources(comoq_tests PRIVATE examples/config_file.cpp "${PROJECT_SOURCE_DIR}/examples/relay/config_file.cpp")
    target_link_libraries(comoq_tests PRIVATE comoq_example_config)
endif()
if(TARGET comoq_example_tokens)
    target_sources(comoq_tests PRIVATE examples/access.cpp examples/auth_wire.cpp examples/expiries.cpp examples/tokens.cpp)
    foreach(part access auth_keys auth_wire http_answer token web_json web_key)
        target_sources(comoq_tests PRIVATE "${PROJECT_SOURCE_DIR}/examples/relay/${part}.cpp")
    endforeach()
    target_link_libraries(comoq_tests PRIVATE comoq_example_tokens)
endif()
if(TARGET comoq_example_hang)
    target_sources(comoq_tests PRIVATE examples/movie_output.cpp examples/media_on_demand.cpp)
    target_sources(comoq_tests PRIVATE "${PROJECT_SOURCE_DIR}/examples/media_on_demand/serve.cpp")
    target_link_libraries(comoq_tests PRIVATE comoq_example_hang)
    set_source_files_properties(
        examples/media_on_demand.cpp PROPERTIES COMPILE_DEFINITIONS "COMOQ_CLIPS=\"${PROJECT_SOURCE_DIR}/examples/media\""
                                                SKIP_UNITY_BUILD_INCLUSION ON
    )
    if(bash AND TARGET comoq_example_net)
        foreach(case media_on_demand pipes)
            add_test(
                NAME "examples: network, ${case}"
                COMMAND "${bash}" "${CMAKE_CURRENT_SOURCE_DIR}/examples/network.sh" $<TARGET_FILE_DIR:relay> ${case}
            )
            set_tests_properties("examples: network, ${case}" PROPERTIES TIMEOUT 300)
        endforeach()
    endif()
endif()
