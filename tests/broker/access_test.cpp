// The access rules as a table: every message with every right, about own and foreign jobs. Stories
// of peers with keys: with_keys_test.cpp.
#include "broker/core/access/access.hpp"

#include <set>

#include "broker/broker_fixture.hpp"

namespace quern::broker {
namespace {

struct Row {
  const char* what;
  wire::Message message;
  const char* mine;     ///< rights that may, about a job of its own or about none: s(ubmit) w(ork)
                        ///< r(ead) a(dmin)
  const char* foreign;  ///< the same about somebody else's job
};

wire::Message hello(wire::Role role) {
  wire::Hello message;
  message.role = role;
  return message;
}

wire::Message attach(std::uint64_t window, bool own) {
  wire::Attach message;
  message.window = window;
  message.own = own;
  return message;
}

wire::Message comparison() {
  wire::Attach message;
  message.window = 0;
  message.input_digest = 1;
  return message;
}

wire::Message schedule(wire::ScheduleAction action, const std::string& owner = {}) {
  wire::Schedule message;
  message.action = action;
  message.name = "nightly";
  message.owner = owner;
  if (action == wire::ScheduleAction::add) message.job.emplace();
  return message;
}

wire::Message query(wire::QueryWhat what) {
  wire::Query message;
  message.what = what;
  return message;
}

wire::Message submit_of_task() {
  wire::Submit message;
  message.lease = {7, 1};
  return message;
}

const std::vector<Row>& rows() {
  using namespace wire;
  static const std::vector<Row> all = {
      {"HELLO of a client", hello(Role::client), "sra", "sra"},
      {"HELLO of a worker", hello(Role::worker), "w", "w"},
      {"BEAT", Beat{}, "swra", "swra"},
      {"BYE", Bye{}, "swra", "swra"},
      {"ERROR", ErrorMessage{}, "swra", "swra"},
      {"ENROL", Enrol{}, "", ""},
      {"SUBMIT", Submit{}, "s", ""},
      {"SUBMIT of a task", submit_of_task(), "w", "w"},
      {"APPEND", Append{}, "s", ""},
      {"ATTACH for results", attach(1, false), "sra", "a"},
      {"ATTACH as owner", attach(0, true), "sra", "a"},
      {"ATTACH for the state", attach(0, false), "sra", "a"},
      {"ATTACH that compares the input", comparison(), "sra", "a"},
      {"ACK", Ack{}, "swra", "swra"},
      {"CANCEL", Cancel{}, "sa", "a"},
      {"RETRY", Retry{}, "sa", "a"},
      {"PAUSE", Pause{}, "sa", "a"},
      {"PAUSE that resumes", Pause{0, {}, {}, true}, "sa", "a"},
      {"QUERY jobs", query(QueryWhat::jobs), "sra", "sra"},
      {"QUERY job", query(QueryWhat::job), "sra", "a"},
      {"QUERY explain", query(QueryWhat::explain), "sra", "a"},
      {"QUERY errors", query(QueryWhat::errors), "sra", "a"},
      {"QUERY notes", query(QueryWhat::notes), "sra", "a"},
      {"QUERY workers", query(QueryWhat::workers), "sra", "sra"},
      {"QUERY broker", query(QueryWhat::broker), "sra", "sra"},
      {"QUERY schedules", query(QueryWhat::schedules), "sra", "sra"},
      {"SCHEDULE that adds", schedule(wire::ScheduleAction::add), "s", "s"},
      {"SCHEDULE that removes", schedule(wire::ScheduleAction::remove), "sa", "sa"},
      {"SCHEDULE of another that removes", schedule(wire::ScheduleAction::remove, "other"), "a",
       "a"},
      {"SCHEDULE of another that pauses", schedule(wire::ScheduleAction::pause, "other"), "a", "a"},
      {"DRAIN", Drain{}, "a", "a"},
      {"REPORT", Report{}, "w", "w"},
      {"RECLAIMED", Reclaimed{}, "w", "w"},
      {"DRAINING", Draining{}, "w", "w"},
      {"FETCH", Fetch{}, "w", "w"},
      {"FETCH of a client", Fetch{{}, {}, 0, 1}, "sra", "a"},
      {"NOTES", Notes{}, "w", "w"},
      {"WAIT", Wait{}, "w", "w"},
      {"WELCOME", Welcome{}, "", ""},
      {"REFUSED", Refused{}, "", ""},
      {"HELLO_AGAIN", HelloAgain{}, "", ""},
      {"ENROLLED", Enrolled{}, "", ""},
      {"ACCEPTED", Accepted{}, "", ""},
      {"RESULTS", Results{}, "", ""},
      {"JOB", JobUpdate{}, "", ""},
      {"ANSWER", Answer{}, "", ""},
      {"LEASE", wire::Lease{}, "", ""},
      {"COMMON", Common{}, "", ""},
      {"FORGET", Forget{}, "", ""},
      {"BLOB", wire::Blob{}, "", ""},
      {"REPORTED", Reported{}, "", ""},
      {"RECLAIM", Reclaim{}, "", ""},
      {"REVOKE", Revoke{}, "", ""},
  };
  return all;
}

TEST(Access, every_message_has_a_row) {
  std::set<std::size_t> seen;
  for (const auto& row : rows()) seen.insert(row.message.index());
  EXPECT_EQ(seen.size(), std::variant_size_v<wire::Message>);
}

TEST(Access, every_message_needs_exactly_its_rights) {
  for (const auto& row : rows()) {
    for (std::uint8_t rights = 0; rights <= kAllRights; ++rights) {
      const auto expected = [&](const std::string& letters) {
        const std::pair<char, Right> names[] = {
            {'s', Right::submit}, {'w', Right::work}, {'r', Right::read}, {'a', Right::admin}};
        for (const auto& [letter, right] : names)
          if (letters.find(letter) != std::string::npos &&
              (rights & static_cast<std::uint8_t>(right)) != 0)
            return true;
        return false;
      };
      Principal who;
      who.name = "me";
      who.rights = rights;
      const std::string what = std::string(row.what) + " with " + rights_text(rights);
      EXPECT_EQ(decide(who, row.message, std::nullopt).allowed, expected(row.mine)) << what;
      EXPECT_EQ(decide(who, row.message, Subject{JobNumber{5}, "me", "x"}).allowed,
                expected(row.mine))
          << what << ", own job";
      // The right that the message needs, and admin for a job of another principal.
      const Verdict verdict = decide(who, row.message, Subject{JobNumber{5}, "other", "x"});
      EXPECT_EQ(verdict.allowed, expected(row.foreign)) << what << ", foreign job";
      EXPECT_FALSE(verdict.reason.empty()) << what;
      EXPECT_TRUE(verdict.foreign) << what;
    }
  }
}

TEST(Access, reads_allows_the_state_of_matching_jobs_but_not_their_results) {
  Principal who;
  who.name = "watcher";
  who.rights = static_cast<std::uint8_t>(Right::read);
  who.reads = {"lab-*"};
  const Subject lab{JobNumber{5}, "other", "lab-1"}, secret{JobNumber{6}, "other", "secret"};
  EXPECT_TRUE(decide(who, query(wire::QueryWhat::job), lab).allowed);
  EXPECT_TRUE(decide(who, attach(0, false), lab).allowed);
  EXPECT_FALSE(decide(who, query(wire::QueryWhat::job), secret).allowed);
  EXPECT_FALSE(decide(who, attach(1, false), lab).allowed);
  EXPECT_FALSE(decide(who, attach(0, true), lab).allowed);
  EXPECT_FALSE(decide(who, comparison(), lab).allowed) << "otherwise it could guess the input";
  EXPECT_FALSE(decide(who, wire::Cancel{}, lab).allowed);
  who.rights = static_cast<std::uint8_t>(Right::submit);
  EXPECT_FALSE(decide(who, query(wire::QueryWhat::job), lab).allowed);
}

TEST(Access, a_key_limits_functions_job_names_and_priority_of_submissions) {
  Principal who;
  who.name = "me";
  who.rights = static_cast<std::uint8_t>(Right::submit);
  who.functions = {"word*", "sum"};
  who.jobs = {"lab-*"};
  who.max_priority = 5;
  const auto allowed = [&](const char* function, const char* name, std::int32_t priority) {
    wire::Submit submit;
    submit.function = function;
    submit.options.name = name;
    submit.options.priority = priority;
    return decide(who, submit, std::nullopt).allowed;
  };
  EXPECT_TRUE(allowed("wordcount", "lab-1", 5));
  EXPECT_FALSE(allowed("exec", "lab-1", 5));
  EXPECT_FALSE(allowed("sum", "mine", 0));
  EXPECT_FALSE(allowed("sum", "lab-1", 6));
}

}  // namespace
}  // namespace quern::broker
