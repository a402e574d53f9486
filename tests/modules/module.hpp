/// \file
/// The functions of each module.
#pragma once

#include <comoq/error.hpp>
#include <comoq/origin.hpp>

#include <memory>
#include <string_view>
#include <system_error>

#define MODULE_API __attribute__((visibility("default")))

namespace one {
MODULE_API std::error_code not_found();
MODULE_API bool is_not_found(std::error_code code);
MODULE_API std::shared_ptr<comoq::Origin> make_origin();
MODULE_API bool has(const comoq::Origin &origin, std::string_view path);
MODULE_API int &wait_for(comoq::Origin &origin, std::string_view path);
}  // namespace one

namespace other {
MODULE_API std::error_code not_found();
MODULE_API bool is_not_found(std::error_code code);
MODULE_API std::shared_ptr<comoq::Origin> make_origin();
MODULE_API bool has(const comoq::Origin &origin, std::string_view path);
MODULE_API int &wait_for(comoq::Origin &origin, std::string_view path);
}  // namespace other
