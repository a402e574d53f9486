// SPDX-License-Identifier: MIT
#pragma once
/// \file
/// The former place of a header that is internal now. It stays for programs that include it.
#include "../detail/qmux/connection.hpp"
