// Jobs that tasks submit, with keys: on whose behalf, and who is to blame.
#include "broker/nested_fixture.hpp"

namespace quern::broker {
namespace {

class NestedKeysTest : public NestedTest {
 protected:
  NestedKeysTest() : NestedTest(keyed()) {
    replace_core(keyed());
    Principal alice;
    alice.name = "alice";
    alice.rights = static_cast<std::uint8_t>(Right::submit);
    alice.functions = {"careful", "echo"};
    alice.max_jobs = 2;
    Principal machine;
    machine.name = "machine";
    machine.rights = static_cast<std::uint8_t>(Right::work);
    Effects effects;
    core.on_principals({{"alice-key", alice}, {"machine-key", machine}}, false, now);
    core.take_effects(effects);
    deliver(effects);
    c.user = "alice-key";
    w.user = "machine-key";
    client(c);
    worker(w);
    parent = lease_of_parent();
  }
};

TEST_F(NestedKeysTest, a_worker_submits_on_behalf_of_the_owner_and_the_log_names_both) {
  send(w, child_of(parent, 2));
  EXPECT_EQ(expect<wire::Accepted>(w).job, uuid(2));
  EXPECT_EQ(status(2).owner, "alice");
  const auto line = std::find_if(audit.begin(), audit.end(), [](const Audit& each) {
    return each.action == "submit for a task";
  });
  ASSERT_NE(line, audit.end());
  EXPECT_EQ(line->principal, "machine");
  EXPECT_TRUE(line->allowed);
  EXPECT_NE(line->reason.find("on behalf of alice"), std::string::npos) << line->reason;
  EXPECT_EQ(refusal(w, child_of(parent, 3)).code, ErrorCode::queue_full) << "alice may have 2 jobs";
}

TEST_F(NestedKeysTest, the_keys_of_the_owner_say_which_functions) {
  const auto error = refusal(w, child_of(parent, 2, "square"));
  EXPECT_EQ(error.code, ErrorCode::denied);
  EXPECT_FALSE(audit.back().allowed);
  EXPECT_EQ(audit.back().principal, "machine");
}

TEST_F(NestedKeysTest, results_go_to_the_worker_although_it_does_not_own_the_job) {
  send(w, child_of(parent, 2));
  send(w, wire::Wait{parent.lease, uuid(2)});
  send(w, echo(leases_of(w).at(0)));
  expect<wire::Reported>(w);
  EXPECT_EQ(expect<wire::Results>(w).job, uuid(2));
}

TEST_F(NestedKeysTest, a_worker_is_not_blamed_for_what_its_tasks_ask_for) {
  send(w, child_of(parent, 2));  // alice may have no more jobs
  w.inbox.clear();
  for (int i = 0; i < 5000; ++i) {
    send(w, child_of(parent, 3));
    ASSERT_EQ(expect<wire::ErrorMessage>(w).code, ErrorCode::queue_full);
  }
  EXPECT_EQ(core.counters().offences, 0u);
}

TEST_F(NestedKeysTest, a_worker_that_ignores_the_missing_permission_is_blocked_at_last) {
  send(w, echo(parent));
  send(c, items_job(5, {"x"}));
  const auto plain = leases_of(w).at(0);
  for (int i = 0; i < 5000 && core.counters().ignored == 0; ++i) send(w, child_of(plain, 3));
  EXPECT_GT(core.counters().ignored, 0u);
}

}  // namespace
}  // namespace quern::broker
