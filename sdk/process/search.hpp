// Finds a program in the folders of a PATH. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace quern::process {

bool is_executable(const std::string& file);
/// The file of the first folder that has an executable file of this name. Empty folders, which a
/// shell takes for the current one, are left out.
std::optional<std::string> find_in_path(std::string_view name, std::string_view path);

}  // namespace quern::process
