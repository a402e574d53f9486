// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast_info.hpp"
#include "../wire/varint.hpp"

namespace comoq::detail {

/// The cost of the broadcast of a peer that cannot say it, as on moq-lite-05: as cheap as any if it is being sent
/// already, and if it is not, dearer than any that a peer can say.
inline constexpr Cost untold_cost{0, max_varint};

}  // namespace comoq::detail
