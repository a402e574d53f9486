// SPDX-License-Identifier: MIT
#pragma once
#include <cerrno>

namespace comoq::quic::detail {

/// What to do after the system has refused to send.
enum class AfterRefusal {
    /// The same call again.
    Again,
    /// The rest later, when the socket has room. Nothing may be dropped then: it would look like congestion.
    Wait,
    /// The packets of this train one by one, by plain calls. If the system takes them, it is the train that it does not want, or
    /// the call.
    OneByOne,
    /// No trains to this socket any more.
    NoTrains,
    /// No calls for several messages any more.
    NoBatches,
    /// The packets are lost, as packets are.
    Lost,
    /// The socket is closed.
    Closed
};

/// `error` as in `errno`, for a call whose first message was a train of several packets or not.
inline AfterRefusal after_refusal(int error, bool is_train) noexcept {
    switch (error) {
    case EINTR:
        return AfterRefusal::Again;
    case EAGAIN:
#if EWOULDBLOCK != EAGAIN
    case EWOULDBLOCK:
#endif
        return AfterRefusal::Wait;
    case EBADF:
    case ENOTSOCK:
        return AfterRefusal::Closed;
    case ENOSYS:
        return AfterRefusal::NoBatches;
    case EPERM:
        // A sandbox refuses a call that it does not know, or a firewall this message: plain calls hear the latter, too.
        return AfterRefusal::OneByOne;
    case EIO:
    case EOPNOTSUPP:
        // The link cannot compute the checksums of the packets.
        return is_train ? AfterRefusal::NoTrains : AfterRefusal::Lost;
    case EINVAL:
    case EMSGSIZE:
        // Its packets may be larger than the link takes: each of them is refused alone, then.
        return is_train ? AfterRefusal::OneByOne : AfterRefusal::Lost;
    default:
        return AfterRefusal::Lost;
    }
}

}  // namespace comoq::quic::detail
