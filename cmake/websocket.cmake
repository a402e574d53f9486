# comoq::net: connect and listen (include/comoq/net), for tcp; it needs nothing more than comoq::comoq.
#
# comoq::websocket: the additional needs of include/comoq/websocket, wslay and OpenSSL's libcrypto. The target exists only with
# both of them, and the rest of the build checks for the target. comoq::net_web, which is there as well then, adds ws, wss and
# tls to comoq::net.

add_library(comoq_net INTERFACE)
add_library(comoq::net ALIAS comoq_net)
target_link_libraries(comoq_net INTERFACE comoq::comoq)

if(COMOQ_WEBSOCKET)
    find_package(Wslay QUIET MODULE)
    find_package(OpenSSL QUIET)
    if(Wslay_FOUND AND TARGET OpenSSL::Crypto)
        message(STATUS "WebSocket: with ${Wslay_LIBRARY} and OpenSSL ${OPENSSL_VERSION}")
        add_library(comoq_websocket INTERFACE)
        add_library(comoq::websocket ALIAS comoq_websocket)
        target_link_libraries(comoq_websocket INTERFACE comoq::comoq Wslay::wslay OpenSSL::Crypto)
        add_library(comoq_net_web INTERFACE)
        add_library(comoq::net_web ALIAS comoq_net_web)
        target_link_libraries(comoq_net_web INTERFACE comoq::net comoq::websocket OpenSSL::SSL)
    elseif(COMOQ_WEBSOCKET STREQUAL "AUTO")
        message(STATUS "WebSocket: left out, because wslay or OpenSSL is missing (Debian: libwslay-dev libssl-dev)")
    else()
        message(FATAL_ERROR "comoq::websocket needs wslay and OpenSSL: install them (Debian: libwslay-dev libssl-dev), give "
                            "their locations by -DWslay_ROOT=... and -DOPENSSL_ROOT_DIR=..., or set -DCOMOQ_WEBSOCKET=OFF")
    endif()
endif()
