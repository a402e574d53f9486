// SPDX-License-Identifier: MIT
#pragma once
#include "../stream/send_scheduler.hpp"
#include "stream_sides.hpp"

namespace comoq::qmux::detail {

using SendScheduler = comoq::detail::SendScheduler<SendSide>;

}  // namespace comoq::qmux::detail
