// SPDX-License-Identifier: MIT
/// \file
/// The failure of everything that reads or writes MP4.
#pragma once
#include "../config.hpp"

#include <stdexcept>

namespace comoq::hang {

/// Why an MP4 cannot be read or written, in one line that names the box. It goes on after the name of a file: "is truncated: box
/// 'moof' at 1234 …".
class Mp4Error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace comoq::hang
