#pragma once
#include "operation.hpp"

namespace comoq {

/// An operation with one outcome, which everyone who asked for the same thing shares. Destroying it, or cancelling its
/// wait, leaves the others undisturbed; when the last one has left, whoever serves the request is told.
template <class T> class [[nodiscard]] Pending : public Operation<T> {
public:
    using Operation<T>::Operation;
};

}  // namespace comoq
