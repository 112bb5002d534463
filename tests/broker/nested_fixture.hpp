// A job whose task may submit jobs, with its lease at a worker.
#pragma once

#include "broker/jobs_fixture.hpp"

namespace quern::broker {

class NestedTest : public JobsTest {
 protected:
  NestedTest() : NestedTest(small_config()) {}
  explicit NestedTest(Config config) {
    if (!config.open) return;
    client(c);
    worker(w);
    parent = lease_of_parent();
  }

  static wire::Submit nested_job(std::uint8_t id, const std::vector<std::string>& items = {"a"}) {
    wire::Submit submit = items_job(id, items, "careful");
    submit.options.nested = true;
    return submit;
  }
  wire::Lease lease_of_parent() {
    send(c, nested_job(1));
    c.inbox.clear();
    return expect<wire::Lease>(w);
  }
  static wire::Submit child_of(const wire::Lease& lease, std::uint8_t id,
                               std::string function = "echo") {
    wire::Submit submit = items_job(id, {"b"}, std::move(function));
    submit.lease = lease.lease;
    submit.task = lease.tasks.front().begin;
    return submit;
  }
  wire::ErrorMessage refusal(Peer& peer, wire::Submit submit) {
    send(peer, std::move(submit));
    return expect<wire::ErrorMessage>(peer);
  }
  JobStatus status(std::uint8_t id) {
    c.inbox.clear();
    send(c, wire::Query{9, wire::QueryWhat::job, uuid(id)});
    const auto answer = expect<wire::Answer>(c);
    EXPECT_EQ(answer.jobs.size(), 1u);
    return answer.jobs.empty() ? JobStatus{} : answer.jobs.front();
  }
  std::string explanation(std::uint8_t id) {
    c.inbox.clear();
    send(c, wire::Query{9, wire::QueryWhat::explain, uuid(id)});
    std::string text;
    for (const auto& line : expect<wire::Answer>(c).text) text += line + "\n";
    return text;
  }

  wire::Lease parent;
};

}  // namespace quern::broker
