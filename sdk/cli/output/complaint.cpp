#include "cli/output/complaint.hpp"

#include "cli/syntax/options.hpp"
#include "quern/error.hpp"

namespace quern::cli {
namespace {

/// The text of an error, with advice unless the library has given it already.
std::string with_advice(const ConnectionError& error) {
  std::string text = error.what();
  const bool advised = text.find("quern up") != std::string::npos;
  if (error.code() == ErrorCode::no_broker && !advised)
    text += "; start one with `quern up`, or name one with --broker or QUERN_BROKER";
  return text;
}

}  // namespace

Complaint complaint_of(const std::exception& error, const std::string& command) {
  if (dynamic_cast<const UsageError*>(&error))
    return {Exit::usage, std::string(error.what()) + " (`quern " + command + " --help`)"};
  if (dynamic_cast<const FileError*>(&error)) return {Exit::usage, error.what()};
  if (const auto* connection = dynamic_cast<const ConnectionError*>(&error))
    return {Exit::no_broker, with_advice(*connection)};
  if (const auto* own = dynamic_cast<const Error*>(&error))
    return {own->code() == ErrorCode::denied ? Exit::no_broker : Exit::failed, error.what()};
  return {Exit::failed, error.what()};
}

}  // namespace quern::cli
