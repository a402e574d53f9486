// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The old place of a header that is internal now. It stays for programs that include it, and declares nothing
/// itself.
#include "../detail/lite/codec.hpp"
#include "../detail/lite/messages.hpp"
