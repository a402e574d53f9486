// SPDX-License-Identifier: MIT
#pragma once
// A track from all its sides: writers, handlers that make groups on demand, look-ups, readers.
#include "track_consumer.hpp"
#include "track_dynamic.hpp"
#include "track_producer.hpp"
#include "track_subscriber.hpp"
