// The items of a `quern map` job as the client pulls them: read as there is room for them. Called by one thread of the SDK.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "cli/intake_window.hpp"
#include "cli/map_request.hpp"

namespace quern::cli {

class ItemFeed {
 public:
  /// `done`: numbers of commands that are passed over.
  ItemFeed(const MapRequest& request, std::set<std::uint64_t> done);

  /// Waits for room in the window; false after the last item, or when the window was closed. Throws FileError.
  bool next(Bytes& item);
  /// How the items are encoded.
  Encoding encoding() const { return put_each_.empty() ? Encoding::raw : Encoding::value; }
  IntakeWindow& window() { return window_; }
  /// What {#} stands for in the command of that index.
  std::uint64_t number_of(std::uint64_t index) const;

 private:
  bool next_arguments(Bytes& item);

  MapRequest::Shape shape_;
  std::unique_ptr<Records> records_;
  std::unique_ptr<ArgumentSource> arguments_;
  std::size_t block_bytes_;
  bool numbered_;
  std::vector<std::string> put_each_;
  std::set<std::uint64_t> done_;
  std::uint64_t number_ = 0;
  bool first_ = true;
  IntakeWindow window_;
  mutable std::mutex mutex_;
  std::vector<std::uint64_t> numbers_;  // when numbered
};

}  // namespace quern::cli
