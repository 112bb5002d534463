// The items of a `quern map` job: read when the client asks for them and the window has room.
// Called by one thread of the SDK.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "cli/request/intake_window.hpp"
#include "cli/request/map_request.hpp"

namespace quern::cli {

/// What one command was given.
struct Fed {
  std::uint64_t number = 0;  ///< the value of {#}
  std::vector<std::string> arguments{};
};

class ItemFeed {
 public:
  /// `log`: tells which commands to skip. `say`: prints a message to the user; called on any
  /// thread.
  ItemFeed(const MapRequest& request, LoggedCommands log,
           std::function<void(const std::string&)> say);

  /// Waits for room in the window; false after the last item, or when the window was closed. Throws
  /// FileError.
  bool next(Bytes& item);
  /// How the items are encoded.
  Encoding encoding() const { return put_each_.empty() ? Encoding::raw : Encoding::value; }
  IntakeWindow& window() { return window_; }
  /// What the command of that index was given; it can be asked for once. Without arguments if they
  /// are not needed.
  Fed take(std::uint64_t index);

 private:
  bool next_arguments(Bytes& item);
  bool next_not_done(std::vector<std::string>& arguments);

  MapRequest::Shape shape_;
  std::unique_ptr<Records> records_;
  std::unique_ptr<ArgumentSource> arguments_;
  std::size_t block_bytes_;
  bool numbered_;
  std::vector<std::string> put_each_;
  LoggedCommands log_;
  std::function<void(const std::string&)> say_;
  Command shown_;
  std::uint64_t number_ = 0;
  bool first_ = true;
  bool remembers_;  // arguments or numbers are needed with the results
  bool remembers_arguments_;
  IntakeWindow window_;
  std::mutex mutex_;
  std::uint64_t index_ = 0;
  std::map<std::uint64_t, Fed> fed_;  // by index, until their results arrive
};

}  // namespace quern::cli
