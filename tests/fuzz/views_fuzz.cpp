// What the command line shows of statuses from workers, clients and the broker: with any numbers
// and texts, no view may contain control or invisible characters.
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

#include "cli/live/top_view.hpp"
#include "cli/output/job_text.hpp"
#include "cli/output/job_timeline.hpp"
#include "cli/output/json.hpp"
#include "cli/output/lists_text.hpp"
#include "cli/output/progress.hpp"
#include "cli/output/table.hpp"
#include "fuzz/targets.hpp"

namespace quern::fuzz {
namespace {

/// Makes statuses from any bytes; values at the ends of their range are frequent.
class Statuses {
 public:
  Statuses(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}

  bool more() const { return left_ > 0; }

  std::uint64_t number() {
    switch (byte() % 6) {
      case 0:
        return 0;
      case 1:
        return std::numeric_limits<std::uint64_t>::max();
      case 2:
        return std::uint64_t{1} << byte() % 64;
      default:
        return byte() << 8 | byte();
    }
  }
  std::uint32_t small() { return static_cast<std::uint32_t>(number()); }
  double real() {
    constexpr double kOdd[] = {0.0,
                               -0.0,
                               1e308,
                               -1e308,
                               5e-324,
                               -1,
                               1e24,
                               999.95,
                               std::numeric_limits<double>::infinity(),
                               -std::numeric_limits<double>::infinity(),
                               std::numeric_limits<double>::quiet_NaN()};
    const std::size_t kind = byte();
    return kind < std::size(kOdd) ? kOdd[kind] : static_cast<double>(byte()) / 100;
  }
  std::string text() {
    static const std::string kOdd[] = {
        "\033[2J",          "\xe2\x80\xae",       "\xe2\x80\x8b", "\xd8\x9c", "\xc2\x9b",
        "\xff\xfe",         "a\nb\tc\r",          "<&\"'>",       "%s%n",     std::string(300, 'w'),
        "\xf3\xa0\x81\x81", std::string("\0x", 2)};
    std::string out;
    for (std::size_t parts = byte() % 4; parts > 0; --parts) {
      const std::size_t kind = byte();
      if (kind < std::size(kOdd))
        out += kOdd[kind];
      else
        out += static_cast<char>(byte());
    }
    return out;
  }
  template <typename E>
  E choice(unsigned count) {
    return static_cast<E>(byte() % count);
  }
  bool flag() { return byte() % 2 != 0; }

  JobStatus job() {
    JobStatus job;
    job.number = JobNumber{number()};
    for (std::string* field :
         {&job.name, &job.function, &job.owner, &job.decision, &job.reduce, &job.reason})
      *field = text();
    job.input = choice<InputKind>(3);
    job.state = choice<JobState>(6);
    job.open = flag();
    job.detached = flag();
    for (std::uint64_t* field : {&job.total, &job.pending, &job.leased, &job.done, &job.failed,
                                 &job.cancelled, &job.retried, &job.age_us, &job.run_us,
                                 &job.copies, &job.queued_bytes, &job.result_bytes, &job.workers})
      *field = number();
    for (double* field : {&job.weight, &job.rate, &job.eta_s, &job.eta_error_s, &job.wasted_s})
      *field = real();
    job.priority = static_cast<std::int32_t>(small());
    job.attempts = small();
    for (std::size_t n = byte() % 4; n > 0; --n)
      job.shares.push_back({text(), number(), number(), number(), real(), small()});
    for (std::size_t n = byte() % 4; n > 0; --n)
      job.spans.push_back({text(), small(), number(), number(), number(), number(), text()});
    return job;
  }
  WorkerStatus worker() {
    WorkerStatus worker;
    worker.id = number();
    for (std::string* field : {&worker.name, &worker.state, &worker.reason, &worker.principal})
      *field = text();
    worker.capacity = {small(), real(), real(), real(), number(), small(), small()};
    for (std::size_t n = byte() % 3; n > 0; --n)
      worker.rates.push_back({text(), real(), real(), number(), number(), number()});
    for (std::size_t n = byte() % 3; n > 0; --n)
      worker.functions.push_back(
          {text(), Takes::item, Encoding::raw, text(), false, real(), false});
    worker.labels[text()] = text();
    worker.resources[text()] = real();
    worker.leases = number();
    worker.tasks_done = number();
    worker.silent_us = number();
    worker.connected_us = number();
    return worker;
  }

 private:
  std::uint8_t byte() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }

  const std::uint8_t* data_;
  std::size_t left_;
};

/// Text that printable() would change could control a terminal or hide something.
void check_line(const std::string& line) {
  if (cli::printable(line) != line) std::abort();
}
void check(const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    check_line(text.substr(at, end - at));
    at = end + 1;
  }
}

void check_views(const JobStatus& job) {
  check(cli::job_text(job));
  check_line(cli::job_line(job));
  check(cli::svg_of(cli::timeline_of(job)));
  (void)cli::line_of(cli::to_json(job));
  Progress progress;
  progress.state = job.state;
  progress.open = job.open;
  progress.total = job.total;
  progress.done = job.done;
  progress.failed = job.failed;
  progress.rate = job.rate;
  progress.eta_s = job.eta_s;
  progress.workers = static_cast<std::uint32_t>(job.workers);
  progress.reason = job.reason;
  check_line(cli::printable(cli::progress_line(progress)));
}

}  // namespace

int fuzz_views(const std::uint8_t* data, std::size_t size) {
  Statuses from(data, size);
  cli::TopPicture picture;
  picture.endpoint = from.text();
  picture.trouble = from.text();
  picture.age_s = from.real();
  const std::uint32_t columns = 1 + from.small() % 200, rows = 1 + from.small() % 60;
  BrokerStatus& broker = picture.broker;
  broker.software = from.text();
  for (std::uint64_t* field :
       {&broker.uptime_us, &broker.clients, &broker.workers, &broker.jobs, &broker.memory_used,
        &broker.memory_limit, &broker.malformed, &broker.refused, &broker.late})
    *field = from.number();
  while (from.more()) {
    picture.workers.push_back(from.worker());
    picture.speed[picture.workers.back().id] = from.real();
    picture.jobs.push_back(from.job());
    check_views(picture.jobs.back());
    (void)cli::line_of(cli::to_json(picture.workers.back()));
  }
  check(cli::jobs_text(picture.jobs));
  check(cli::workers_text(picture.workers));
  check(cli::explain_text({from.text(), picture.trouble, picture.endpoint}));
  (void)cli::line_of(cli::to_json(broker));
  for (const cli::ViewLine& line : cli::top_view(picture, {columns, rows})) {
    check_line(line.text);
    if (cli::width_of(line.text) > columns) std::abort();
  }
  return 0;
}

}  // namespace quern::fuzz
