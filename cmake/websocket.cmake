# comoq::websocket: what include/comoq/websocket needs beside the rest, which is wslay and OpenSSL's libcrypto. Only there is
# the target, too: whether it exists is what the rest of the build asks.

if(COMOQ_WEBSOCKET)
    find_package(Wslay QUIET MODULE)
    find_package(OpenSSL QUIET)
    if(Wslay_FOUND AND TARGET OpenSSL::Crypto)
        message(STATUS "WebSocket: with ${Wslay_LIBRARY} and OpenSSL ${OPENSSL_VERSION}")
        add_library(comoq_websocket INTERFACE)
        add_library(comoq::websocket ALIAS comoq_websocket)
        target_link_libraries(comoq_websocket INTERFACE comoq::comoq Wslay::wslay OpenSSL::Crypto)
    elseif(COMOQ_WEBSOCKET STREQUAL "AUTO")
        message(STATUS "WebSocket: left out, for want of wslay or OpenSSL (Debian: libwslay-dev libssl-dev)")
    else()
        message(FATAL_ERROR "comoq::websocket needs wslay and OpenSSL: install them (Debian: libwslay-dev libssl-dev), name "
                            "their places by -DWslay_ROOT=... and -DOPENSSL_ROOT_DIR=..., or set -DCOMOQ_WEBSOCKET=OFF")
    endif()
endif()
