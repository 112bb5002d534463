// Peers with keys: access to jobs of others, unknown keys, quotas, the audit log. The table of
// access rules: access_test.cpp.
#include <list>

#include "broker/broker_fixture.hpp"
#include "wire/blob.hpp"

namespace quern::broker {
namespace {

class WithKeysTest : public BrokerTest {
 protected:
  WithKeysTest() : BrokerTest(keyed()) {
    grant("alice-key", "alice", {Right::submit});
    grant("bob-key", "bob", {Right::submit, Right::read});
    grant("worker-key", "worker", {Right::work});
    grant("admin-key", "admin", {Right::admin});
    tell_core();
  }

  Principal& grant(const std::string& user, const std::string& name,
                   std::initializer_list<Right> rights) {
    Principal& principal = principals[user];
    principal.name = name;
    for (const Right right : rights)
      principal.rights =
          static_cast<std::uint8_t>(principal.rights | static_cast<std::uint8_t>(right));
    return principal;
  }

  void tell_core(bool invitations = false) {
    Effects effects;
    core.on_principals(Principals(principals), invitations, now);
    core.take_effects(effects);
    core.check_invariants();
    deliver(effects);
    settle();
  }

  Peer& client_of(const std::string& user, std::uint8_t identity) {
    Peer& peer = made.emplace_back();
    peer.user = user;
    client(peer, identity);
    return peer;
  }

  wire::ErrorMessage denied(Peer& peer) {
    const auto error = expect<wire::ErrorMessage>(peer);
    EXPECT_EQ(error.code, ErrorCode::denied) << error.text;
    EXPECT_FALSE(audit.empty());
    if (!audit.empty()) {
      EXPECT_FALSE(audit.back().allowed);
      EXPECT_EQ(audit.back().reason, error.text);
    }
    return error;
  }

  Principals principals;
  std::list<Peer> made;
};

TEST_F(WithKeysTest, a_stolen_worker_key_can_only_work) {
  Peer thief;
  thief.user = "worker-key";
  wire::Hello hello;
  hello.identity = uuid(9);
  connect(thief, hello);
  const auto refused = expect<wire::Refused>(thief);
  EXPECT_EQ(refused.code, ErrorCode::denied);
  EXPECT_NE(refused.text.find("worker"), std::string::npos);

  Peer& alice = client_of("alice-key", 1);
  send(alice, items_job(1, {"a"}, "absent"));
  const auto job = expect<wire::Accepted>(alice).number;
  worker(thief, 9);
  wire::Cancel cancel;
  cancel.number = job;
  wire::Query query;
  query.what = wire::QueryWhat::job;
  query.number = job;
  wire::Attach attach;
  attach.number = job;
  attach.token = 3;
  for (const wire::Message& message : {wire::Message(items_job(2, {"x"})), wire::Message(cancel),
                                       wire::Message(query), wire::Message(attach)}) {
    send(thief, message);
    denied(thief);
  }
  EXPECT_EQ(core.status(now).jobs, 1u);
}

TEST_F(WithKeysTest, a_file_is_read_by_its_owner_and_by_an_admin_which_is_recorded) {
  const std::string name(64, 'a');
  Peer& alice = client_of("alice-key", 1);
  Peer& bob = client_of("bob-key", 2);
  Peer& admin = client_of("admin-key", 3);
  wire::Submit file = items_job(1, {"secret"}, std::string(wire::kBlobFunction));
  file.options.unique = wire::blob_key(name, false);
  send(alice, file);
  alice.inbox.clear();
  send(alice, wire::Fetch{{}, name, 0, 7});
  EXPECT_EQ(expect<wire::Blob>(alice).bytes.view(), "secret");

  send(bob, wire::Fetch{{}, name, 0, 7});
  const auto hidden = expect<wire::ErrorMessage>(bob);
  send(bob, wire::Fetch{{}, std::string(64, 'b'), 0, 7});
  const auto absent = expect<wire::ErrorMessage>(bob);
  EXPECT_EQ(hidden.code, ErrorCode::unknown_job);
  EXPECT_EQ(hidden.code, absent.code) << "nobody learns that somebody has this file";
  send(bob, wire::Fetch{uuid(1), name, 0, 8});
  EXPECT_EQ(denied(bob).token, 8u);

  audit.clear();
  for (const Uuid& upload : {Uuid{}, uuid(1)}) {
    send(admin, wire::Fetch{upload, name, 0, 9});
    EXPECT_EQ(expect<wire::Blob>(admin).bytes.view(), "secret");
  }
  ASSERT_EQ(audit.size(), 1u) << "once for the file, not for each chunk";
  EXPECT_EQ(audit[0].action, "read file");
  EXPECT_EQ(audit[0].object, "file " + name);
  EXPECT_TRUE(audit[0].allowed);
}

TEST_F(WithKeysTest, only_an_admin_reads_or_cancels_jobs_of_others) {
  Peer& alice = client_of("alice-key", 1);
  Peer& bob = client_of("bob-key", 2);
  Peer& admin = client_of("admin-key", 3);
  auto submit = items_job(1, {"a"}, "absent");
  submit.options.unique = "key";
  send(alice, submit);
  const auto job = expect<wire::Accepted>(alice).number;

  for (const Uuid& id : {Uuid{}, uuid(1)}) {
    wire::Attach attach{4, id, job, 0, 1000, 0, false};
    send(bob, attach);
    EXPECT_EQ(denied(bob).token, 4u);
    send(bob, wire::Cancel{5, id, job, {}});
    EXPECT_EQ(denied(bob).token, 5u);
    send(bob, wire::Retry{6, id, job});
    denied(bob);
    send(bob, wire::Query{7, wire::QueryWhat::errors, id, job});
    denied(bob);
    send(bob, wire::Pause{7, id, job});
    denied(bob);
    send(bob, wire::Query{7, wire::QueryWhat::job, id, job, 1});
    denied(bob);
  }
  wire::Append append;
  append.job = uuid(1);
  append.close = true;
  send(bob, append);
  denied(bob);
  send(bob, submit);  // the same UUID
  denied(bob);
  auto same_key = items_job(2, {"a"}, "absent");
  same_key.options.unique = "key";  // idempotency keys belong to a principal
  send(bob, same_key);
  EXPECT_FALSE(expect<wire::Accepted>(bob).existing);
  send(bob, wire::Query{8, wire::QueryWhat::jobs, {}, {}, 10});
  EXPECT_EQ(expect<wire::Answer>(bob).jobs.size(), 1u);

  send(admin, wire::Query{8, wire::QueryWhat::jobs, {}, {}, 10});
  EXPECT_EQ(expect<wire::Answer>(admin).jobs.size(), 2u);
  send(admin, wire::Cancel{5, {}, job, {}});
  EXPECT_EQ(expect<wire::JobUpdate>(admin).status.state, JobState::cancelled);
  EXPECT_EQ(audit.back().principal, "admin");
  EXPECT_EQ(audit.back().action, "cancel");
  EXPECT_EQ(audit.back().reason, "admin");
  send(admin, items_job(5, {"x"}));  // the admin right does not include submit
  denied(admin);
}

TEST_F(WithKeysTest, hello_reveals_nothing_about_jobs_of_others) {
  Peer& alice = client_of("alice-key", 1);
  send(alice, items_job(1, {"a"}, "absent"));
  expect<wire::Accepted>(alice);
  Peer bob;
  bob.user = "bob-key";
  wire::Hello hello;
  hello.identity = uuid(2);
  hello.jobs = {{uuid(1), 0}};
  connect(bob, hello);
  EXPECT_FALSE(expect<wire::Welcome>(bob).jobs.at(0).known);
}

TEST_F(WithKeysTest, a_session_cannot_be_taken_over_with_another_key) {
  Peer& alice = client_of("alice-key", 1);
  Peer bob;
  bob.user = "bob-key";
  wire::Hello hello;
  hello.identity = uuid(1);
  connect(bob, hello);
  EXPECT_EQ(expect<wire::Refused>(bob).code, ErrorCode::denied);
  send(alice, wire::Beat{});
  expect<wire::Beat>(alice);
  // The right session id from the wrong connection is an unknown session.
  bob.session = alice.session;
  send(bob, wire::Beat{});
  expect<wire::HelloAgain>(bob);
}

TEST_F(WithKeysTest, a_revoked_key_is_ignored_and_its_leases_go_to_others) {
  Peer mill, spare;
  mill.user = "worker-key";
  worker(mill, 9);
  grant("spare-key", "spare", {Right::work});
  tell_core();
  Peer& alice = client_of("alice-key", 1);
  send(alice, items_job(1, {"a"}));
  expect<wire::Accepted>(alice);
  const auto lease = expect<wire::Lease>(mill);
  spare.user = "spare-key";
  worker(spare, 10);

  principals.erase("worker-key");
  tell_core();
  const auto told = expect<wire::ErrorMessage>(mill);
  EXPECT_TRUE(told.fatal);
  EXPECT_EQ(told.code, ErrorCode::denied);
  const auto again = expect<wire::Lease>(spare);
  send(mill, echo(lease));
  expect_nothing(mill);
  send(spare, echo(again));
  expect<wire::Reported>(spare);
  EXPECT_EQ(expect<wire::Results>(alice).seq, 0u);
  connect(mill, worker_hello(9));
  EXPECT_EQ(expect<wire::Refused>(mill).code, ErrorCode::denied);
}

TEST_F(WithKeysTest, a_replaced_key_keeps_its_name_and_its_jobs) {
  Peer& alice = client_of("alice-key", 1);
  send(alice, items_job(1, {"a"}, "absent"));
  const auto job = expect<wire::Accepted>(alice).number;
  principals["alice-new"] = principals["alice-key"];
  principals.erase("alice-key");
  tell_core();
  EXPECT_TRUE(expect<wire::ErrorMessage>(alice).fatal);
  alice.user = "alice-new";
  client(alice, 1);
  send(alice, wire::Query{1, wire::QueryWhat::job, {}, job, 1});
  EXPECT_EQ(expect<wire::Answer>(alice).jobs.size(), 1u);
}

TEST_F(WithKeysTest, an_unknown_key_may_only_enrol_and_only_while_an_invitation_is_open) {
  Peer stranger;
  stranger.user = "new-key";
  connect(stranger, worker_hello(9));
  EXPECT_EQ(expect<wire::Refused>(stranger).code, ErrorCode::denied);
  for (const wire::Message& message :
       {wire::Message(items_job(1, {"x"})), wire::Message(wire::Query{}),
        wire::Message(wire::Report{})}) {
    send(stranger, message);
    expect_nothing(stranger);
  }
  send(stranger, wire::Enrol{"lab", "secret"});
  EXPECT_EQ(expect<wire::Refused>(stranger).code, ErrorCode::denied);
  EXPECT_TRUE(asked_enrol.empty());

  tell_core(true);
  send(stranger, wire::Enrol{"lab", "secret"});
  ASSERT_EQ(asked_enrol.size(), 1u);
  EXPECT_EQ(asked_enrol[0].user, "new-key");
  Effects effects;
  core.on_enrol_refused(stranger.id, "new-key", "wrong code");
  core.take_effects(effects);
  deliver(effects);
  EXPECT_EQ(expect<wire::Refused>(stranger).text, "wrong code");
  grant("new-key", "lab", {Right::work});
  tell_core(false);
  core.on_enrolled(stranger.id, "new-key", "lab", static_cast<std::uint8_t>(Right::work), true);
  core.take_effects(effects);
  deliver(effects);
  EXPECT_EQ(expect<wire::Enrolled>(stranger).name, "lab");
  worker(stranger, 9);
  for (const auto& line : audit) EXPECT_EQ(line.reason.find("secret"), std::string::npos);
}

TEST_F(WithKeysTest, a_lost_answer_to_enrol_is_sent_again) {
  Peer lab;
  lab.user = "worker-key";
  connect(lab, worker_hello(9));
  expect<wire::Welcome>(lab);
  Peer again;
  again.user = "worker-key";
  again.id = PeerId{++last_peer};
  peers[again.id] = &again;
  send(again, wire::Enrol{"lab", "a code that was used up"});
  ASSERT_EQ(asked_enrol.size(), 1u);  // the key ring knows the key
  const std::size_t lines = audit.size();
  Effects effects;
  core.on_enrolled(again.id, "worker-key", "worker", static_cast<std::uint8_t>(Right::work), false);
  core.take_effects(effects);
  deliver(effects);
  EXPECT_EQ(expect<wire::Enrolled>(again).name, "worker");
  EXPECT_EQ(audit.size(), lines);  // no key was enrolled
}

TEST_F(WithKeysTest, permission_to_see_a_job_state_does_not_include_its_value) {
  principals["bob-key"].reads = {"lab*"};
  tell_core();
  Peer& alice = client_of("alice-key", 1);
  Peer& bob = client_of("bob-key", 2);
  Peer& admin = client_of("admin-key", 3);
  Peer mill;
  mill.user = "worker-key";
  worker(mill, 9);
  auto submit = range_job(1, 0, 1);
  submit.options.name = "lab-1";
  submit.window = 1000;
  send(alice, submit);
  const auto job = expect<wire::Accepted>(alice).number;
  for (Peer* peer : {&bob, &admin}) {
    wire::Attach attach{4, {}, job, 0, 0, 100, false};
    send(*peer, attach);
    EXPECT_FALSE(expect<wire::JobUpdate>(*peer).has_value);
  }
  send(mill, sum(expect<wire::Lease>(mill)));
  const auto final_of = [&](Peer& peer) {
    wire::JobUpdate last;
    while (!peer.inbox.empty()) {
      if (const auto* update = std::get_if<wire::JobUpdate>(&peer.inbox.front())) last = *update;
      peer.inbox.pop_front();
    }
    EXPECT_EQ(last.status.state, JobState::done);
    return last;
  };
  EXPECT_TRUE(final_of(alice).has_value);
  EXPECT_TRUE(final_of(admin).has_value);
  EXPECT_FALSE(final_of(bob).has_value);
}

TEST_F(WithKeysTest, a_client_stops_following_a_job_that_it_may_no_longer_see) {
  principals["bob-key"].reads = {"lab*"};
  tell_core();
  Peer& alice = client_of("alice-key", 1);
  Peer& bob = client_of("bob-key", 2);
  auto submit = items_job(1, {"a"}, "absent");
  submit.options.name = "lab-1";
  send(alice, submit);
  const auto job = expect<wire::Accepted>(alice).number;
  send(bob, wire::Attach{4, {}, job, 0, 0, 100, false});
  expect<wire::JobUpdate>(bob);
  principals["bob-key"].reads = {"other*"};
  tell_core();
  EXPECT_EQ(expect<wire::ErrorMessage>(bob).code, ErrorCode::denied);
  send(alice, wire::Cancel{1, uuid(1), job, {}});
  expect_nothing(bob);
}

TEST_F(WithKeysTest, a_peer_whose_address_is_no_longer_allowed_is_ignored) {
  Peer& alice = client_of("alice-key", 1);
  Effects effects;
  core.on_moved(alice.id, now);
  core.take_effects(effects);
  deliver(effects);
  EXPECT_EQ(expect<wire::ErrorMessage>(alice).code, ErrorCode::denied);
  EXPECT_FALSE(audit.back().allowed);
  // Nor after another HELLO on the same connection.
  send(alice, items_job(1, {"a"}));
  wire::Hello hello;
  hello.identity = uuid(1);
  send(alice, hello);
  expect_nothing(alice);
  EXPECT_EQ(core.status(now).jobs, 0u);
}

TEST_F(WithKeysTest, a_worker_offers_only_functions_that_its_key_allows) {
  principals["worker-key"].functions = {"sum", "p*"};
  tell_core();
  Peer mill;
  mill.user = "worker-key";
  worker(mill, 9);
  Peer& admin = client_of("admin-key", 3);
  send(admin, wire::Query{1, wire::QueryWhat::workers, {}, {}, 1});
  const auto answer = expect<wire::Answer>(admin);
  std::set<std::string> names;
  for (const auto& decl : answer.workers.at(0).functions) names.insert(decl.name);
  EXPECT_EQ(names, (std::set<std::string>{"pi", "sum"}));
  EXPECT_EQ(answer.workers.at(0).principal, "worker");
}

TEST_F(WithKeysTest, a_submission_over_quota_is_refused_with_the_limit) {
  Principal& limits = principals["alice-key"];
  limits.max_jobs = 2;
  limits.max_tasks = 10;
  limits.max_bytes = 1000;
  tell_core();
  Peer& alice = client_of("alice-key", 1);
  const auto refusal = [&](const wire::Submit& submit) {
    send(alice, submit);
    const auto error = expect<wire::ErrorMessage>(alice);
    EXPECT_EQ(error.code, ErrorCode::queue_full);
    return error.text;
  };
  EXPECT_NE(refusal(range_job(1, 0, 11)).find("10 at a time"), std::string::npos);
  EXPECT_NE(refusal(items_job(1, {std::string(1001, 'x')}, "absent")).find("1000 at a time"),
            std::string::npos);
  send(alice, items_job(1, {"a", "b"}, "absent"));
  expect<wire::Accepted>(alice);
  EXPECT_NE(refusal(range_job(2, 0, 9)).find("10 tasks"), std::string::npos);
  send(alice, range_job(2, 0, 8, "absent"));
  const auto second = expect<wire::Accepted>(alice).number;
  EXPECT_NE(refusal(range_job(3, 0, 0)).find("2 jobs"), std::string::npos);
  send(alice, wire::Cancel{1, {}, second, {}});
  alice.inbox.clear();
  send(alice, range_job(3, 0, 8, "absent"));
  expect<wire::Accepted>(alice);
}

TEST_F(WithKeysTest, the_credit_of_a_stream_is_bounded_by_its_quota) {
  principals["alice-key"].max_bytes = 1000;
  tell_core();
  Peer& alice = client_of("alice-key", 1);
  auto submit = items_job(1, {std::string(900, 'x')}, "absent");
  submit.open = true;
  send(alice, submit);
  const auto accepted = expect<wire::Accepted>(alice);
  EXPECT_GE(accepted.credit_to, 900u);
  EXPECT_LE(accepted.credit_to, 1010u);
}

TEST_F(WithKeysTest, a_stream_under_a_task_quota_never_waits_in_vain) {
  principals["alice-key"].max_tasks = 10;
  tell_core();
  Peer& alice = client_of("alice-key", 1);
  auto submit = items_job(1, {}, "absent");
  submit.open = true;
  send(alice, submit);
  // A client sends a batch whole or not at all: it is accepted, or the refusal says why it never
  // can be.
  EXPECT_GE(expect<wire::Accepted>(alice).credit_to, wire::kBatchBytesMax);
  wire::Append append;
  append.job = uuid(1);
  append.batch = batch_of(std::vector<std::string>(20, "a line"));
  send(alice, append);
  EXPECT_NE(expect<wire::ErrorMessage>(alice).text.find("submit it in parts"), std::string::npos);
}

TEST_F(WithKeysTest, quotas_apply_to_retries) {
  principals["alice-key"].max_tasks = 3;
  tell_core();
  Peer& alice = client_of("alice-key", 1);
  Peer mill;
  mill.user = "worker-key";
  worker(mill, 9);
  auto submit = items_job(1, {"a", "b"});
  submit.options.attempts = 1;
  send(alice, submit);
  const auto job = expect<wire::Accepted>(alice).number;
  while (!mill.inbox.empty()) {
    const wire::Message message = mill.inbox.front();
    mill.inbox.pop_front();
    if (const auto* lease = std::get_if<wire::Lease>(&message)) send(mill, failure(*lease, "no"));
  }
  alice.inbox.clear();
  send(alice, items_job(2, {"a", "b"}, "absent"));
  expect<wire::Accepted>(alice);
  send(alice, wire::Retry{6, uuid(1), job});
  EXPECT_EQ(expect<wire::ErrorMessage>(alice).code, ErrorCode::queue_full);
}

TEST_F(WithKeysTest, only_an_admin_may_raise_priority) {
  Peer& alice = client_of("alice-key", 1);
  auto submit = items_job(1, {"a"}, "absent");
  submit.options.priority = 1;
  send(alice, submit);
  EXPECT_NE(denied(alice).text.find("priorities up to 0"), std::string::npos);
  submit.options.priority = -1;
  send(alice, submit);
  expect<wire::Accepted>(alice);
}

TEST_F(WithKeysTest, submitting_over_the_rate_limit_is_refused_until_time_has_passed) {
  principals["alice-key"].max_rate = 10;
  tell_core();
  Peer& alice = client_of("alice-key", 1);
  send(alice, range_job(1, 0, 30, "absent"));  // a debt of 20
  expect<wire::Accepted>(alice);
  send(alice, range_job(2, 0, 1, "absent"));
  EXPECT_NE(expect<wire::ErrorMessage>(alice).text.find("per second"), std::string::npos);
  pass(2100ms, {&alice});
  alice.inbox.clear();
  send(alice, range_job(2, 0, 1, "absent"));
  expect<wire::Accepted>(alice);
}

TEST_F(WithKeysTest, privileged_requests_are_refused_while_the_audit_log_fails) {
  Peer& alice = client_of("alice-key", 1);
  Peer& admin = client_of("admin-key", 3);
  send(alice, items_job(1, {"a"}, "absent"));
  const auto job = expect<wire::Accepted>(alice).number;
  Effects effects;
  core.on_audit_trouble("disk full");
  core.take_effects(effects);
  send(admin, wire::Drain{1, "w"});
  EXPECT_NE(denied(admin).text.find("disk full"), std::string::npos);
  send(admin, wire::Cancel{2, {}, job, {}});
  denied(admin);
  send(alice, wire::Cancel{3, {}, job, {}});  // cancelling an own job needs no privilege
  EXPECT_EQ(expect<wire::JobUpdate>(alice).status.state, JobState::cancelled);
  core.on_audit_trouble("");
  core.take_effects(effects);
  send(admin, wire::Cancel{2, {}, job, {}});
  expect<wire::JobUpdate>(admin);
}

TEST_F(WithKeysTest, decisions_about_a_client_are_audited) {
  EXPECT_EQ(audit.size(), 1u);  // the keys are there
  audit.clear();
  Peer& alice = client_of("alice-key", 1);
  send(alice, items_job(1, {"a"}, "absent"));
  const auto job = expect<wire::Accepted>(alice).number;
  send(alice, wire::Query{1, wire::QueryWhat::jobs, {}, {}, 1});
  send(alice, wire::Cancel{3, {}, job, {}});
  std::vector<std::string> actions;
  for (const auto& line : audit)
    actions.push_back(line.principal + " " + line.action + " " + line.object);
  EXPECT_EQ(actions,
            (std::vector<std::string>{"alice connect as client client1",
                                      "alice submit function absent", "alice cancel job 1"}));
}

}  // namespace
}  // namespace quern::broker
