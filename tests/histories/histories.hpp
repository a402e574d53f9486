/// \file Histories of calls to the public interface, each compared with a model that is as plain as possible. The
/// choices decide the calls. The result is empty if all went as the model says, and otherwise tells how the difference
/// came about.
///
/// Two programs use them: the tests, with random choices, and the fuzzers.
#pragma once

#include <string>

#include "histories/choices.hpp"

namespace comoq::test {

/// Publishers, handlers, requesters and watchers of an origin, through views of all kinds.
std::string history_of_origin(Choices &choices);
/// A track, its groups and its readers.
std::string history_of_track(Choices &choices);
/// Several tracks under one pool and one clock.
std::string history_of_memory(Choices &choices);

}  // namespace comoq::test
