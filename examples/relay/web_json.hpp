// JSON of keys and tokens, for the sources that are compiled with nlohmann-json.
#pragma once

#include "web_key.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>

using Json = nlohmann::json;

// Nothing if the text is not an object of JSON.
std::optional<Json> object_from(std::string_view text);
// The text of that name; nothing if it is not there, or no text.
std::optional<std::string> text_in(const Json &object, const char *name);
// The members `root`, `put` and `get`, as moq-token writes them: paths below the root, one or a list of them, and nothing where
// they are missing. Nothing if they are anything else, also null.
std::optional<Reach> reach_in(const Json &object);
