# comoq::quic: the additional needs of include/comoq/quic and include/comoq/webtransport, ngtcp2 with its helper for GnuTLS, and
# nghttp3. The target exists only with them.
# comoq::net_quic, which is there as well then, adds moql, moqt and https to comoq::net.
# Its tests are built with -DCOMOQ_QUIC=ON alone: most builds have better things to do.

if(COMOQ_QUIC)
    find_package(Ngtcp2 0.12.1 QUIET MODULE)
    find_package(Nghttp3 0.8 QUIET MODULE)
    if(Ngtcp2_FOUND AND Nghttp3_FOUND)
        message(STATUS "QUIC: with ngtcp2 ${Ngtcp2_VERSION} (${Ngtcp2_LIBRARY}), nghttp3 ${Nghttp3_VERSION} and GnuTLS")
        if(Ngtcp2_VERSION VERSION_LESS 1.0 AND COMOQ_QUIC STREQUAL "ON")
            message(STATUS "QUIC: ngtcp2 below 1.0 ends a connection after 262,144 streams of its peer; Debian 12 has a newer one in its "
                           "backports")
        endif()
        add_library(comoq_quic INTERFACE)
        add_library(comoq::quic ALIAS comoq_quic)
        target_link_libraries(comoq_quic INTERFACE comoq::comoq Ngtcp2::gnutls Nghttp3::nghttp3)
        add_library(comoq_net_quic INTERFACE)
        add_library(comoq::net_quic ALIAS comoq_net_quic)
        target_link_libraries(comoq_net_quic INTERFACE comoq::net comoq::quic)
    elseif(COMOQ_QUIC STREQUAL "AUTO")
        message(STATUS "QUIC: left out, because ngtcp2, nghttp3 or GnuTLS is missing (Debian: libngtcp2-dev "
                       "libngtcp2-crypto-gnutls-dev libnghttp3-dev libgnutls28-dev)")
    else()
        message(FATAL_ERROR "comoq::quic needs ngtcp2 0.12.1 or newer with its helper for GnuTLS, and nghttp3: install them (Debian: "
                            "libngtcp2-dev libngtcp2-crypto-gnutls-dev libnghttp3-dev libgnutls28-dev), give their location by "
                            "-DNgtcp2_ROOT=... and -DNghttp3_ROOT=..., or set "
                            "-DCOMOQ_QUIC=OFF")
    endif()
endif()
