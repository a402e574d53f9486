# comoq::websocket: the additional needs of include/comoq/websocket, wslay and OpenSSL's libcrypto. The target exists only with
# both of them, and the rest of the build checks for the target.

if(COMOQ_WEBSOCKET)
    find_package(Wslay QUIET MODULE)
    find_package(OpenSSL QUIET)
    if(Wslay_FOUND AND TARGET OpenSSL::Crypto)
        message(STATUS "WebSocket: with ${Wslay_LIBRARY} and OpenSSL ${OPENSSL_VERSION}")
        add_library(comoq_websocket INTERFACE)
        add_library(comoq::websocket ALIAS comoq_websocket)
        target_link_libraries(comoq_websocket INTERFACE comoq::comoq Wslay::wslay OpenSSL::Crypto)
    elseif(COMOQ_WEBSOCKET STREQUAL "AUTO")
        message(STATUS "WebSocket: left out, because wslay or OpenSSL is missing (Debian: libwslay-dev libssl-dev)")
    else()
        message(FATAL_ERROR "comoq::websocket needs wslay and OpenSSL: install them (Debian: libwslay-dev libssl-dev), give "
                            "their locations by -DWslay_ROOT=... and -DOPENSSL_ROOT_DIR=..., or set -DCOMOQ_WEBSOCKET=OFF")
    endif()
endif()
