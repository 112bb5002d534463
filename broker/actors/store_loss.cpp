#include "broker/actors/store_loss.hpp"

#include "notation/moment.hpp"

namespace quern::broker {

std::string StoreLoss::text() const {
  const auto named = [](const CommitMark& mark) {
    return "commit " + std::to_string(mark.commit) + " of " + notation::moment_text(mark.time);
  };
  const bool one = commits() == 1, all = last.commit == 0;
  return "the store " + store + " lost " +
         (all   ? "all its " + std::to_string(commits()) + " commits"
          : one ? "its last commit"
                : "its last " + std::to_string(commits()) + " commits") +
         ": it should end with " + named(known) + ", and " +
         (all ? "it is empty" : "ends with " + named(last)) +
         ". Its files were truncated or removed, or an older copy was restored. Jobs and results "
         "that were acknowledged in between are lost; submit those jobs again";
}

CommitMark last_commit(Database& database) {
  const auto meta = [&](const char* key) {
    return database.number(
        (std::string("SELECT value FROM meta WHERE key = '") + key + "'").c_str());
  };
  CommitMark mark;
  mark.commit = static_cast<std::uint64_t>(meta("commit"));
  mark.time = meta("committed_at");
  mark.incarnation = static_cast<std::uint64_t>(meta("incarnation"));
  mark.numbers_below = static_cast<std::uint64_t>(meta("numbers_below"));
  return mark;
}

std::optional<StoreLoss> loss_of(Database& database, const CommitFile::Found& found) {
  if (!found.mark) return std::nullopt;
  const CommitMark last = last_commit(database);
  if (found.mark->commit <= last.commit) return std::nullopt;
  return StoreLoss{database.path(), last, *found.mark};
}

}  // namespace quern::broker
