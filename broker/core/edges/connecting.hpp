// How the edges of a new job are checked and tied, and found again after a restart of the broker.
#pragma once

#include <optional>
#include <variant>

#include "broker/core/base/context.hpp"
#include "broker/core/base/persist.hpp"
#include "broker/core/base/refusal.hpp"
#include "broker/core/edges/edge_table.hpp"
#include "broker/core/jobs/accounts.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/scheduling/fair_queue.hpp"
#include "wire/messages.hpp"

namespace quern::broker {

class Connecting {
 public:
  Connecting(Context& context, Jobs& jobs, Accounts& accounts, FairQueue& queue, EdgeTable& table)
      : context_(context), jobs_(jobs), accounts_(accounts), queue_(queue), table_(table) {}

  /// What the job will take from others, or why it is refused. Fills in the numbers of the earlier
  /// jobs, and the durability if the broker may choose it.
  std::variant<Inflow, Refusal> check(const std::string& principal, wire::Submit& submit) const;
  /// Ties the edges of a new job.
  void connect(Job& job, Inflow inflow);
  /// Ties the edges of a job that was in the store. The earlier jobs must be known already.
  void recover(Job& job, const JobBirth& birth, const std::vector<StoredInput>& inputs);

 private:
  std::optional<Refusal> objection(const std::string& principal, const wire::Submit& submit,
                                   const JobEdge& edge, const Job& job) const;
  static std::optional<Refusal> misfit(const wire::TaskGraph& graph,
                                       const std::vector<const Job*>& lists);
  std::optional<Refusal> too_large(const wire::TaskGraph& graph) const;
  static void recover_stopped(const Job& job, Inflow& inflow,
                              const std::vector<StoredInput>& inputs);
  Inflow inflow_of(const std::vector<JobEdge>& edges, Join join, bool has_links,
                   std::optional<wire::TaskGraph> graph, JobNumber self) const;
  /// Adds the edges of the job to the table.
  void tie(Job& job, Inflow inflow);
  void raise_priority(Job& job, std::int32_t priority);

  Context& context_;
  Jobs& jobs_;
  Accounts& accounts_;
  FairQueue& queue_;
  EdgeTable& table_;
};

}  // namespace quern::broker
