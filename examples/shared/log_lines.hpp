// The library's log on standard error, for a program that people run by hand.
#pragma once

#include <comoq/log.hpp>

#include <string>

// From now on the library's records of that level or above are lines on standard error, which begin with the program's
// name. A lost connection is told in words.
void show_log(std::string program, comoq::LogLevel least);
