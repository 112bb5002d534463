// The calls of a client about schedules.
#include "quern/schedules.hpp"

#include <initializer_list>
#include <iterator>
#include <utility>

#include "client/client_impl.hpp"
#include "client/submission.hpp"
#include "wire/limits.hpp"

namespace quern {

using client::Failure;
using client::Reply;

namespace {

// The broker keeps the input of a schedule in memory.
constexpr std::size_t kInputBytes = 1u << 20;

void require(std::optional<Failure> failure) {
  if (failure) throw Error(failure->code, std::move(failure->text));
}

void check_texts(std::initializer_list<std::pair<const char*, const std::string*>> texts) {
  for (const auto& [what, text] : texts)
    if (text->size() > wire::kNameBytesMax || !wire::valid_utf8(*text))
      throw Error(ErrorCode::bad_input, std::string(what) + " must be UTF-8 of at most 255 bytes");
}

/// The name of a schedule.
void check_name(const std::string& name) {
  if (name.empty() || name.size() > wire::kScheduleNameBytesMax || !wire::valid_utf8(name))
    throw Error(ErrorCode::bad_input, "the name of a schedule is UTF-8 of 1 to 100 bytes");
}

void check_options(const std::string& name, const SubmitOptions& options) {
  check_name(name);
  // A name is a part of a path over HTTP, where these mean something else.
  if (name == "." || name == "..")
    throw Error(ErrorCode::bad_input, "a schedule cannot have the name `" + name + "`");
  if (!options.unique.empty() || !options.after.empty() || options.start_at ||
      options.start_in.count() != 0 || options.stop.stop_possible())
    throw Error(
        ErrorCode::bad_input,
        "an idempotency key, jobs to start after (after), a time of start (start_at, start_in) and "
        "a stop token do not fit the job of a schedule: each run is a job of its own, which "
        "starts when it is due");
}

/// All of the input goes into the one message.
void add_payloads(wire::Submit& submit, Input& input) {
  if (const auto* whole = std::get_if<Whole>(&input)) {
    wire::BatchBuilder builder;
    builder.add(whole->bytes);
    submit.batch = builder.take();
    return;
  }
  auto* items = std::get_if<Items>(&input);
  if (!items) {
    if (std::holds_alternative<Range>(input)) return;
    throw Error(ErrorCode::bad_input,
                "the input of a schedule is a single input, a range or items that are there when "
                "it is added");
  }
  wire::BatchBuilder builder;
  std::size_t bytes = 0;
  for (Bytes item; items->next && items->next(item); item.clear()) {
    bytes += item.size() + 4;
    if (bytes > kInputBytes || builder.count() >= wire::kBatchTasksMax)
      throw Error(ErrorCode::limit,
                  "the input of a schedule may have 1 MiB and 65536 items: give the names of files "
                  "as items, or a range");
    builder.add(item);
    if (items->cost) submit.costs.push_back(static_cast<float>(items->cost(item)));
  }
  submit.batch = builder.take();
}

wire::Schedule request(wire::ScheduleAction action, const std::string& name,
                       const std::string& owner) {
  wire::Schedule schedule;
  check_name(name);
  check_texts({{"the owner of a schedule", &owner}});
  schedule.action = action;
  schedule.name = name;
  schedule.owner = owner;
  return schedule;
}

ScheduleStatus schedule_in(Reply reply) {
  wire::Answer answer = client::answer_in(std::move(reply));
  if (answer.schedules.empty())
    throw Error(ErrorCode::malformed,
                "the broker's answer has no schedule; is it another version of Quern?");
  return std::move(answer.schedules.front());
}

}  // namespace

Schedules Client::schedules() { return Schedules(*this); }

ScheduleStatus Schedules::add(const std::string& name, const ScheduleOptions& when,
                              std::string function, Input input, SubmitOptions options) {
  check_options(name, options);
  check_texts({{"the cron line", &when.cron}, {"the time zone", &when.zone}});
  require(client::check_submission(function, input, options));
  wire::Schedule schedule =
      request(when.replace ? wire::ScheduleAction::replace : wire::ScheduleAction::add, name, {});
  schedule.cron = when.cron;
  schedule.zone = when.zone;
  schedule.missed = when.missed;
  schedule.overlap = when.overlap;
  options.detach = true;
  schedule.job = client::submission(Uuid::random(), std::move(function), input, std::move(options));
  add_payloads(*schedule.job, input);
  return schedule_in(client_->impl_->ask(std::move(schedule)));
}

std::vector<ScheduleStatus> Schedules::list(const std::string& pattern, const std::string& owner) {
  check_texts({{"the pattern of names", &pattern}, {"the owner of a schedule", &owner}});
  std::vector<ScheduleStatus> all;
  wire::Query query;
  query.what = wire::QueryWhat::schedules;
  query.name = pattern;
  query.owner = owner;
  do {
    wire::Answer answer = client::answer_in(client_->impl_->ask(query));
    std::move(answer.schedules.begin(), answer.schedules.end(), std::back_inserter(all));
    query.cursor = answer.cursor;
  } while (query.cursor != 0);
  return all;
}

ScheduleStatus Schedules::get(const std::string& name, const std::string& owner) {
  check_name(name);
  check_texts({{"the owner of a schedule", &owner}});
  wire::Query query;
  query.what = wire::QueryWhat::schedule;
  query.name = name;
  query.owner = owner;
  return schedule_in(client_->impl_->ask(std::move(query)));
}

ScheduleStatus Schedules::remove(const std::string& name, const std::string& owner) {
  return schedule_in(client_->impl_->ask(request(wire::ScheduleAction::remove, name, owner)));
}

ScheduleStatus Schedules::pause(const std::string& name, const std::string& owner) {
  return schedule_in(client_->impl_->ask(request(wire::ScheduleAction::pause, name, owner)));
}

ScheduleStatus Schedules::resume(const std::string& name, const std::string& owner) {
  return schedule_in(client_->impl_->ask(request(wire::ScheduleAction::resume, name, owner)));
}

}  // namespace quern
