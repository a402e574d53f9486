// SPDX-License-Identifier: MIT
#pragma once
#include "operation.hpp"

namespace comoq {

/// An operation with one outcome, which is shared by all callers that asked for the same thing. Destroying it, or
/// cancelling its wait, leaves the others undisturbed; when the last one has left, the handler of the request is told.
template <class T> class [[nodiscard]] Pending : public Operation<T> {
public:
    using Operation<T>::Operation;
};

}  // namespace comoq
