// SPDX-License-Identifier: MIT
#pragma once
#include "../lite/session_config.hpp"

namespace comoq::ietf {

/// The same as for a session of moq-lite: what a session serves and asks for does not depend on its protocol. Some members
/// mean nothing here, because MoQ Transport has nothing of the kind: `role` and `probe`; and `link_cost` only where the peer, too,
/// tells through which relays a broadcast has come. What `authorize` is given is the client's path, from SETUP or from the URL.
using SessionConfig = lite::SessionConfig;
/// What a peer may see, and where it may publish.
using SessionViews = lite::SessionViews;
/// What happens in a session.
using SessionEvent = lite::SessionEvent;

}  // namespace comoq::ietf
