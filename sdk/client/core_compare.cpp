// Handles an existing job with the same idempotency key: the rest of our own input is read and
// compared with that job's input (PROTOCOL.md 1.2).
#include <utility>

#include "client/core.hpp"

namespace quern::client {

using Stage = LiveJob::Stage;

void ClientCore::compare(LiveJob& job, wire::Batch first, Time now) {
  job.stage = Stage::comparing;
  job.own_input.emplace().add(first);
  for (const wire::Batch& batch : job.input.take_kept()) job.own_input->add(batch);
  const bool more = job.input.is_open();
  job.input = InputLedger({}, InputLedger::Rest::none);
  if (!more) return on_own_input_read(job, now);
  effects_.push_back(Comparing{job.key});
  read_to_compare(job);
}

void ClientCore::read_to_compare(LiveJob& job) {
  if (!session_.is_open() || job.asked_input) return;
  job.asked_input = true;
  effects_.push_back(NeedInput{job.key});
}

void ClientCore::on_own_input_read(LiveJob& job, Time now) {
  job.stage = Stage::attaching;
  job.token = next_token_++;
  if (session_.is_open()) send_attach(job, now);
}

}  // namespace quern::client
