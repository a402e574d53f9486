# comoq::hang: the additional needs of include/comoq/hang, nlohmann-json and zlib. The target exists only with both of them, and the
# rest of the build checks for the target.

if(COMOQ_HANG)
    find_package(nlohmann_json 3.9 QUIET)
    find_package(ZLIB QUIET)
    if(TARGET nlohmann_json::nlohmann_json AND TARGET ZLIB::ZLIB)
        message(STATUS "hang: with nlohmann-json ${nlohmann_json_VERSION} and zlib ${ZLIB_VERSION_STRING}")
        add_library(comoq_hang INTERFACE)
        add_library(comoq::hang ALIAS comoq_hang)
        target_link_libraries(comoq_hang INTERFACE comoq::comoq nlohmann_json::nlohmann_json ZLIB::ZLIB)
    elseif(COMOQ_HANG STREQUAL "AUTO")
        message(STATUS "hang: left out, because nlohmann-json or zlib is missing (Debian: nlohmann-json3-dev zlib1g-dev)")
    else()
        message(FATAL_ERROR "comoq::hang needs nlohmann-json 3.9 and zlib: install them (Debian: nlohmann-json3-dev zlib1g-dev), give "
                            "their locations by -Dnlohmann_json_ROOT=... and -DZLIB_ROOT=..., or set -DCOMOQ_HANG=OFF")
    endif()
endif()
