// SPDX-License-Identifier: MIT
#pragma once

namespace comoq::detail {

/// The first argument of the constructors and calls that a public class has for the library alone. A caller has to name
/// it, `{}` does not make one: so no program comes to use types of `detail` unless it names `detail` itself.
class Passkey {
public:
    explicit Passkey() = default;
};

}  // namespace comoq::detail
