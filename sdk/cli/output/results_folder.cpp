#include "cli/output/results_folder.hpp"

#include <filesystem>
#include <fstream>

#include "cli/syntax/options.hpp"
#include "keys/sodium.hpp"

namespace quern::cli {
namespace {

constexpr std::size_t kNameMax = 255;
constexpr std::size_t kDigestShown = 32;

void write(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << bytes << std::flush;
  if (!out) throw FileError("cannot write " + file.string());
}

}  // namespace

std::string folder_name(const std::string& argument) {
  std::string name;
  for (const char c : argument) {
    if (c == '/')
      name += "\\_";
    else if (c == '\\')
      name += "\\\\";
    else if (c == '\t')
      name += "\\t";
    else if (c == '\0')
      name += "\\0";
    else
      name += c;
  }
  if (name == "." || name == "..") name = "\\" + name;
  if (name.empty()) name = "\\";
  if (name.size() <= kNameMax) return name;
  // A hash of the dropped part distinguishes names with the same beginning.
  keys::Digest digest;
  digest.add(argument);
  const std::string rest = "~" + digest.hex().substr(0, kDigestShown);
  return name.substr(0, kNameMax - rest.size()) + rest;
}

void ResultsFolder::add(const CommandResult& result) const {
  std::filesystem::path folder = folder_;
  for (std::size_t i = 0; i < result.arguments.size(); ++i)
    folder = folder / std::to_string(i + 1) / folder_name(result.arguments[i]);
  if (result.arguments.empty()) folder = folder / "1" / std::to_string(result.number);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw FileError("cannot create " + folder.string() + ": " + error.message());
  write(folder / "stdout", result.out);
  write(folder / "stderr", result.err);
  write(folder / "seq", std::to_string(result.number));
}

}  // namespace quern::cli
