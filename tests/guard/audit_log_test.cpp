// The audit log on a disk, and the actor that writes it.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "broker/actors/audit_actor.hpp"
#include "broker/actors/audit_log.hpp"
#include "keys/audit_files.hpp"
#include "keys/error.hpp"
#include "keys/files.hpp"
#include "support/folder.hpp"

namespace quern::broker {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using test::Folder;

keys::AuditEntry entry(const std::string& object) {
  return {"2026-11-25T10:00:00Z", "lab", "10.0.0.5", "submit", object, "allow", "role"};
}

std::string problem_of(const std::string& folder) { return keys::verify_audit(folder).problem; }

TEST(AuditLogFile, the_log_continues_after_a_restart_and_across_files) {
  const Folder folder;
  for (int start = 0; start < 5; ++start) {
    AuditLog log(folder.path(), 2000);
    for (int i = 0; i < 7; ++i) log.append({entry("job " + std::to_string(i)), entry("x")});
    log.sync();
  }
  EXPECT_GT(keys::audit_files(folder.path()).size(), 3u);
  const auto check = keys::verify_audit(folder.path());
  EXPECT_EQ(check.problem, "");
  EXPECT_EQ(check.lines, 70u);
}

TEST(AuditLogFile, two_brokers_write_one_chain) {
  const Folder folder;
  AuditLog a(folder.path(), 3000), b(folder.path(), 3000);
  for (int i = 0; i < 20; ++i) (i % 2 == 0 ? a : b).append({entry(std::to_string(i))});
  a.sync();
  b.sync();
  const auto check = keys::verify_audit(folder.path());
  EXPECT_EQ(check.problem, "");
  EXPECT_EQ(check.lines, 20u);
}

TEST(AuditLogFile, every_kind_of_tampering_is_found) {
  const std::pair<const char*, std::function<void(std::vector<std::string>&)>> table[] = {
      {"a changed line", [](auto& lines) { lines[3].replace(lines[3].find("allow"), 5, "denyy"); }},
      {"the last line changed",
       [](auto& lines) { lines.back().replace(lines.back().find("allow"), 5, "denyy"); }},
      {"a removed line", [](auto& lines) { lines.erase(lines.begin() + 4); }},
      {"the first line removed", [](auto& lines) { lines.erase(lines.begin()); }},
      {"an inserted line", [](auto& lines) { lines.insert(lines.begin() + 2, lines[2]); }},
      {"two lines swapped", [](auto& lines) { std::swap(lines[5], lines[6]); }},
      {"the end cut off", [](auto& lines) { lines.resize(7); }},
      {"everything cut off", [](auto& lines) { lines.clear(); }},
      {"half a line", [](auto& lines) { lines.back().resize(40); }},
  };
  for (const auto& [what, tamper] : table) {
    const Folder folder;
    {
      AuditLog log(folder.path());
      for (int i = 0; i < 10; ++i) log.append({entry(std::to_string(i))});
      log.sync();
    }
    ASSERT_EQ(problem_of(folder.path()), "");
    std::vector<std::string> lines;
    std::ifstream in(folder / "audit.log");
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    in.close();
    tamper(lines);
    std::ofstream out(folder / "audit.log");
    for (const auto& line : lines) out << line << "\n";
    out.close();
    EXPECT_NE(problem_of(folder.path()), "") << what;
  }
}

TEST(AuditLogFile, a_removed_file_or_checkpoint_is_found) {
  const Folder folder;
  {
    AuditLog log(folder.path(), 1000);
    for (int i = 0; i < 20; ++i) log.append({entry(std::to_string(i))});
    log.sync();
  }
  const auto files = keys::audit_files(folder.path());
  ASSERT_GT(files.size(), 3u);
  fs::rename(files[1], folder / "away");
  EXPECT_NE(problem_of(folder.path()), "");
  fs::rename(folder / "away", files[1]);
  EXPECT_EQ(problem_of(folder.path()), "");
  fs::remove(folder / "audit.checkpoint");
  EXPECT_NE(problem_of(folder.path()), "");
}

TEST(AuditLogFile, a_broker_does_not_continue_a_truncated_log) {
  const Folder folder;
  {
    AuditLog log(folder.path());
    for (int i = 0; i < 10; ++i) log.append({entry(std::to_string(i))});
    log.sync();
  }
  fs::resize_file(folder / "audit.log", 0);
  EXPECT_THROW(AuditLog(folder.path()), keys::KeyError);
}

TEST(AuditLogFile, tampering_while_a_broker_runs_is_not_overwritten) {
  const auto rewrite = [](const std::string& path,
                          const std::function<void(std::string&)>& change) {
    std::string text = keys::read_file(path).value();
    change(text);
    std::ofstream(path) << text;  // the same file: its inode stays
  };
  const std::pair<const char*, std::function<void(const Folder&)>> table[] = {
      {"cut to a line",
       [&](const Folder& f) {
         rewrite(f / "audit.log", [](std::string& text) { text.resize(text.find('\n') + 1); });
       }},
      {"emptied",
       [&](const Folder& f) { rewrite(f / "audit.log", [](std::string& text) { text.clear(); }); }},
      {"a line in its middle",
       [&](const Folder& f) {
         rewrite(f / "audit.log", [](std::string& text) {
           text.insert(text.find('\n') + 1, text.substr(0, text.find('\n') + 1));
         });
       }},
      {"removed", [](const Folder& f) { fs::remove(f / "audit.log"); }},
      {"replaced by a copy of its beginning",
       [](const Folder& f) {
         const std::string text = keys::read_file(f / "audit.log").value();
         fs::remove(f / "audit.log");
         std::ofstream(f / "audit.log") << text.substr(0, text.find('\n') + 1);
       }},
      {"everything removed",
       [](const Folder& f) {
         for (const char* name : {"audit.log", "audit.checkpoint"}) fs::remove(f / name);
       }},
      {"rotated by a stranger, without its end",
       [](const Folder& f) {
         const std::string text = keys::read_file(f / "audit.log").value();
         fs::remove(f / "audit.log");
         std::ofstream(f / "audit.000001.log") << text.substr(0, text.find('\n') + 1);
       }},
  };
  for (const auto& [what, tamper] : table) {
    const Folder folder;
    AuditLog log(folder.path());
    for (int i = 0; i < 5; ++i) log.append({entry(std::to_string(i))});
    log.sync();
    tamper(folder);
    EXPECT_THROW(log.append({entry("6")}), keys::KeyError) << what;
    EXPECT_THROW(log.append({entry("6")}), keys::KeyError) << what << ", tried again";
  }
}

TEST(AuditLogFile, a_reset_or_removed_checkpoint_is_not_overwritten) {
  const Folder folder;
  AuditLog log(folder.path());
  log.append({entry("a")});
  log.sync();
  const std::string early = keys::read_file(folder / "audit.checkpoint").value();
  log.append({entry("b")});
  log.sync();
  const std::string late = keys::read_file(folder / "audit.checkpoint").value();
  log.append({entry("c")});
  keys::write_file(folder / "audit.checkpoint", early);
  EXPECT_THROW(log.sync(), keys::KeyError);
  fs::remove(folder / "audit.checkpoint");
  EXPECT_THROW(log.sync(), keys::KeyError);
  keys::write_file(folder / "audit.checkpoint", late);
  log.sync();
  EXPECT_EQ(problem_of(folder.path()), "");
}

TEST(AuditLogFile, a_line_changed_behind_the_checkpoint_is_found_at_the_next_start) {
  const Folder folder;
  {
    AuditLog log(folder.path(), 1500);
    for (int i = 0; i < 10; ++i) log.append({entry(std::to_string(i))});
    log.sync();
    for (int i = 0; i < 10; ++i) log.append({entry("later")});
  }
  EXPECT_NO_THROW(AuditLog(folder.path(), 1500));
  // Rewrite everything before and after the checkpoint: a valid chain, but a different one.
  keys::AuditPosition at;
  std::string text;
  for (int i = 0; i < 20; ++i) text += keys::next_line(at, entry("forged"), {}) + "\n";
  for (const auto& path : keys::audit_files(folder.path())) fs::remove(path);
  keys::write_file(folder / "audit.log", text);
  EXPECT_THROW(AuditLog(folder.path(), 1500), keys::KeyError);
  fs::remove(folder / "audit.checkpoint");
  EXPECT_THROW(AuditLog(folder.path(), 1500), keys::KeyError);
}

TEST(AuditLogFile, a_line_cut_in_half_by_a_power_failure_is_removed) {
  const Folder folder;
  {
    AuditLog log(folder.path());
    log.append({entry("a")});
    log.sync();
    log.append({entry("b")});
  }
  fs::resize_file(folder / "audit.log", fs::file_size(folder / "audit.log") - 20);
  AuditLog log(folder.path());
  log.append({entry("c")});
  log.sync();
  const auto check = keys::verify_audit(folder.path());
  EXPECT_EQ(check.problem, "");
  EXPECT_EQ(check.lines, 2u);
}

TEST(AuditLogFile, a_broker_starts_after_any_power_failure_at_the_end_of_the_log) {
  const auto append = [](const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::app) << text;
  };
  const std::pair<const char*, std::function<void(const Folder&)>> table[] = {
      {"a piece", [&](const Folder& f) { append(f / "audit.log", R"({"prev":"00)"); }},
      {"zeros", [&](const Folder& f) { append(f / "audit.log", std::string(500'000, '\0')); }},
      {"a new file with a piece",
       [&](const Folder& f) {
         fs::rename(f / "audit.log", f / "audit.000009.log");
         append(f / "audit.log", R"({"prev":")");
       }},
      {"a new file with zeros",
       [&](const Folder& f) {
         fs::rename(f / "audit.log", f / "audit.000009.log");
         append(f / "audit.log", std::string(10, '\0'));
       }},
  };
  for (const auto& [what, tear] : table) {
    const Folder folder;
    {
      AuditLog log(folder.path(), 1500);
      for (int i = 0; i < 10; ++i) log.append({entry(std::to_string(i))});
      log.sync();
    }
    tear(folder);
    const auto torn = keys::verify_audit(folder.path());
    EXPECT_EQ(torn.problem, "") << what;
    EXPECT_TRUE(torn.torn) << what;
    AuditLog log(folder.path(), 1500);
    log.append({entry("x")});
    log.sync();
    const auto check = keys::verify_audit(folder.path());
    EXPECT_EQ(check.problem, "") << what;
    EXPECT_FALSE(check.torn) << what;
    EXPECT_EQ(check.lines, 11u) << what;
  }
  const Folder fresh;
  { AuditLog log(fresh.path()); }
  append(fresh / "audit.log", R"({"prev")");
  EXPECT_NO_THROW(AuditLog(fresh.path()));
}

TEST(AuditLogFile, the_log_cannot_be_forged_without_the_secret) {
  const Folder folder;
  keys::write_file(folder / "audit.key", "a secret of at least sixteen\n");
  {
    AuditLog log(folder.path());
    for (int i = 0; i < 4; ++i) log.append({entry(std::to_string(i))});
    log.sync();
  }
  EXPECT_EQ(problem_of(folder.path()), "");
  // Rewritten without the secret, including the checkpoint.
  keys::AuditPosition at;
  std::string text;
  for (int i = 0; i < 4; ++i) text += keys::next_line(at, entry("forged"), {}) + "\n";
  keys::write_file(folder / "audit.log", text);
  keys::write_file(folder / "audit.checkpoint", keys::checkpoint_text(at, {}));
  EXPECT_NE(problem_of(folder.path()), "");
}

TEST(AuditLogFile, a_full_disk_is_an_error_and_leaves_no_partial_line) {
  const Folder folder;
  AuditLog log(folder.path());
  log.append({entry("a")});
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto old = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit full{fs::file_size(folder / "audit.log") + 50, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &full);
  EXPECT_THROW(log.append({entry("b")}), keys::KeyError);
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old);
  log.append({entry("c")});
  log.sync();
  const auto check = keys::verify_audit(folder.path());
  EXPECT_EQ(check.problem, "");
  EXPECT_EQ(check.lines, 2u);
}

TEST(AuditActor, peers_can_neither_flood_the_log_nor_break_its_lines) {
  const Folder folder;
  runtime::Mailbox<GuardEvent> events;
  {
    AuditActor actor(std::make_unique<AuditLog>(folder.path()), events);
    for (int i = 0; i < 60'000; ++i)
      actor.record({{}, "evil", "10.0.0.9", "cancel", "job 1", "allow", {}});
    actor.record({{}, "good", "10.0.0.5", "cancel", "job 2", "deny", "not its own"});
    actor.record(
        {{}, "good", "10.0.0.5", "load plugin", std::string(1'000'000, '\1'), "allow", {}});
  }
  EXPECT_LT(fs::file_size(folder / "audit.log"), 10u << 20);
  std::size_t denials = 0, longest = 0;
  keys::for_each_line(keys::audit_files(folder.path()),
                      [&](const std::string&, std::size_t, const std::string& line) {
                        denials += keys::field_of(line, "decision") == "deny" ? 1 : 0;
                        longest = std::max(longest, line.size());
                        return true;
                      });
  EXPECT_EQ(denials, 1u);
  EXPECT_LT(longest, 100'000u);
  EXPECT_EQ(problem_of(folder.path()), "");
}

TEST(AuditActor, write_failures_are_reported_and_waiting_lines_are_written_later) {
  const Folder folder;
  runtime::Mailbox<GuardEvent> events;
  const auto next_trouble = [&] {
    std::vector<GuardEvent> got;
    while (got.empty()) {
      pollfd mail{events.fd(), POLLIN, 0};
      if (::poll(&mail, 1, 30'000) != 1) return std::string("nothing came");
      events.drain(got);
    }
    return std::get<AuditTrouble>(got.back()).text;
  };
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto old = std::signal(SIGXFSZ, SIG_IGN);
  {
    AuditActor actor(std::make_unique<AuditLog>(folder.path()), events);
    const rlimit full{50, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &full);
    actor.record(entry("a"));
    actor.record(entry("b"));
    EXPECT_NE(next_trouble().find("cannot write"), std::string::npos);
    ::setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_EQ(next_trouble(), "");
  }
  std::signal(SIGXFSZ, old);
  const auto check = keys::verify_audit(folder.path());
  EXPECT_EQ(check.problem, "");
  EXPECT_EQ(check.lines, 2u);
}

}  // namespace
}  // namespace quern::broker
