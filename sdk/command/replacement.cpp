#include "command/replacement.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <iterator>

namespace quern::command {
namespace {

constexpr std::int32_t kPositionMax = 9999;

std::optional<Replacement::Kind> kind_of(std::string_view inside) {
  using Kind = Replacement::Kind;
  if (inside.empty()) return Kind::whole;
  if (inside == ".") return Kind::no_extension;
  if (inside == "/") return Kind::no_folder;
  if (inside == "//") return Kind::folder;
  if (inside == "/.") return Kind::stem;
  if (inside == "#") return Kind::number;
  return std::nullopt;
}

std::string_view without_folder(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view without_extension(std::string_view path) {
  const auto dot = path.rfind('.');
  const auto slash = path.rfind('/');
  const bool in_name =
      dot != std::string_view::npos && (slash == std::string_view::npos || dot > slash);
  return in_name && dot + 1 < path.size() ? path.substr(0, dot) : path;
}

std::string_view folder_of(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

std::optional<Replacement> replacement_at(std::string_view text) {
  if (text.empty() || text.front() != '{') return std::nullopt;
  const auto close = text.find('}');
  if (close == std::string_view::npos) return std::nullopt;
  std::string_view inside = text.substr(1, close - 1);
  Replacement found;
  const auto [end, error] =
      std::from_chars(inside.data(), inside.data() + inside.size(), found.position);
  if (error == std::errc() && (found.position == 0 || std::abs(found.position) > kPositionMax))
    return std::nullopt;
  if (error == std::errc::result_out_of_range) return std::nullopt;
  inside.remove_prefix(static_cast<std::size_t>(end - inside.data()));
  const auto kind = kind_of(inside);
  if (!kind || (*kind == Replacement::Kind::number && found.position != 0)) return std::nullopt;
  found.kind = *kind;
  found.length = close + 1;
  return found;
}

std::optional<std::size_t> index_of(std::int32_t position, std::size_t arguments) {
  const auto count = static_cast<std::int64_t>(arguments);
  const std::int64_t index = position > 0 ? position - 1 : count + position;
  if (index < 0 || index >= count) return std::nullopt;
  return static_cast<std::size_t>(index);
}

std::string_view foreign_replacement_at(std::string_view text) {
  if (text.starts_with("{=")) {
    const auto end = text.find("=}");
    if (end != std::string_view::npos && end >= 2) return text.substr(0, end + 2);
  }
  static constexpr std::string_view kForeign[] = {"%",   "0%",   "0#", "##", "..",  "...",
                                                  "/..", "/...", "+/", "+.", "+..", "+..."};
  const auto close = text.find('}');
  if (close == std::string_view::npos || text.front() != '{') return {};
  std::string_view inside = text.substr(1, close - 1);
  if (std::find(std::begin(kForeign), std::end(kForeign), inside) != std::end(kForeign))
    return text.substr(0, close + 1);
  // {2..}, but not {1..9}, which is a brace expansion of the shell.
  while (!inside.empty() &&
         (std::isdigit(static_cast<unsigned char>(inside.front())) || inside.front() == '-'))
    inside.remove_prefix(1);
  const bool of_one =
      inside.size() + 2 < close + 1 && !inside.starts_with('%') && !inside.starts_with('#');
  if (of_one && std::find(std::begin(kForeign), std::end(kForeign), inside) != std::end(kForeign))
    return text.substr(0, close + 1);
  return {};
}

std::string_view part_of(Replacement::Kind kind, std::string_view argument) {
  switch (kind) {
    case Replacement::Kind::no_extension:
      return without_extension(argument);
    case Replacement::Kind::no_folder:
      return without_folder(argument);
    case Replacement::Kind::folder:
      return folder_of(argument);
    case Replacement::Kind::stem:
      return without_extension(without_folder(argument));
    case Replacement::Kind::whole:
    case Replacement::Kind::number:
      break;
  }
  return argument;
}

std::vector<Piece> pieces_of(std::string_view text) {
  std::vector<Piece> pieces;
  std::size_t begun = 0;
  for (std::size_t at = 0; at < text.size();) {
    // ${1} is a variable of the shell.
    const bool variable = at > 0 && text[at - 1] == '$';
    const auto found = variable ? std::nullopt : replacement_at(text.substr(at));
    if (!found) {
      ++at;
      continue;
    }
    if (at > begun) pieces.push_back({text.substr(begun, at - begun), std::nullopt});
    pieces.push_back({{}, found});
    at += found->length;
    begun = at;
  }
  if (begun < text.size()) pieces.push_back({text.substr(begun), std::nullopt});
  return pieces;
}

}  // namespace quern::command
