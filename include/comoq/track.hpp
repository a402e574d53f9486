#pragma once
// A track from all its sides: who writes it, who makes its groups on demand, who looks it up, who reads it.
#include "track_consumer.hpp"
#include "track_dynamic.hpp"
#include "track_producer.hpp"
#include "track_subscriber.hpp"
