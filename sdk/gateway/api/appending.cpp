#include "gateway/api/appending.hpp"

#include <utility>
#include <vector>

#include "gateway/api/body_lines.hpp"
#include "gateway/api/jobs.hpp"
#include "gateway/api/submission.hpp"

namespace quern::gateway {
namespace {

// A request waits this long for room at the broker, then the client is told to come back.
constexpr std::chrono::seconds kPatience{10};
constexpr std::int64_t kFirstMost = (std::int64_t{1} << 62) - 1;
// Items of a stream that are appended together.
constexpr std::size_t kBlockBytes = 1u << 20, kBlockItems = 10000;

struct AppendRequest {
  Encoding encoding = Encoding::raw;
  AppendOptions options;
};

AppendRequest append_request_in(Fields& fields) {
  AppendRequest wanted;
  wanted.encoding = encoding_in(fields);
  if (const auto first = fields.integer("first", 0, kFirstMost))
    wanted.options.first = static_cast<std::uint64_t>(*first);
  wanted.options.close = fields.flag("close").value_or(false);
  wanted.options.patience = kPatience;
  return wanted;
}

/// Client::append(); a wrong position is a conflict with the state of the job.
JobStatus append_to(Client& client, JobNumber number, const std::vector<Bytes>& items,
                    const AppendOptions& options) {
  try {
    return client.append(number, items, options);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::conflict) throw;
    throw BadRequest(problem(409, "conflict", sentence(error.what())));
  }
}

Response answer_of(const JobStatus& status, std::uint64_t appended) {
  Json object = job_json(status);
  object["appended"] = appended;
  return json_answer(object);
}

Response append_list(const Caller& caller, JobNumber number, const std::string& body) {
  const Json object = json_of(body);
  Fields fields(object);
  const AppendRequest wanted = append_request_in(fields);
  const std::vector<Bytes> items = items_in(fields, wanted.encoding);
  fields.finish();
  return answer_of(append_to(*caller.client, number, items, wanted.options), items.size());
}

/// Items of a body, appended block by block: the memory that this takes does not depend on how many
/// there are.
class LineFeed {
 public:
  LineFeed(Client& client, JobNumber number, AppendRequest wanted)
      : client_(client), number_(number), wanted_(std::move(wanted)) {
    last_ = std::exchange(wanted_.options.close, false);
  }

  void add(std::string_view line) {
    ++lines_;
    block_.push_back(item(line));
    bytes_ += block_.back().size();
    if (bytes_ >= kBlockBytes || block_.size() >= kBlockItems) flush();
  }

  Response end() {
    wanted_.options.close = last_;
    const JobStatus status = flush();
    return answer_of(status, lines_);
  }

 private:
  Bytes item(std::string_view line) const {
    try {
      return item_of(line, wanted_.encoding);
    } catch (const BadRequest&) {
      throw BadRequest(problem(
          422, "bad_input",
          "Line " + std::to_string(lines_) + " of the body is not one JSON value. " + done_text()));
    }
  }

  JobStatus flush() {
    JobStatus status = append_block();
    appended_ += block_.size();
    wanted_.options.first = status.total;
    block_.clear();
    bytes_ = 0;
    return status;
  }

  JobStatus append_block() const {
    try {
      return client_.append(number_, block_, wanted_.options);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::conflict) throw Error(error.code(), with_done(error));
      throw BadRequest(problem(409, "conflict", with_done(error)));
    }
  }

  std::string with_done(const Error& error) const {
    return sentence(error.what()) + ' ' + done_text();
  }

  std::string done_text() const {
    return std::to_string(appended_) + " items of the body were appended.";
  }

  Client& client_;
  const JobNumber number_;
  AppendRequest wanted_;
  bool last_ = false;
  std::vector<Bytes> block_;
  std::size_t bytes_ = 0;
  std::uint64_t lines_ = 0;
  std::uint64_t appended_ = 0;
};

void append_lines(const Caller& caller, JobCache& cache, const std::shared_ptr<Exchange>& asked,
                  const std::string& segment) {
  const JobNumber number = job_number(segment);
  const Json parameters = json_of_parameters(asked->request.target);
  Fields fields(parameters);
  AppendRequest wanted = append_request_in(fields);
  fields.finish();
  LineFeed stream(*caller.client, number, std::move(wanted));
  BodyLines lines(asked);
  std::string line;
  while (lines.next(line)) stream.add(line);
  Response done = stream.end();
  cache.forget(number);
  asked->respond(std::move(done));
}

void append(Api& api, JobCache& cache, const std::shared_ptr<Exchange>& exchange,
            const std::string& segment) {
  if (is_lines(exchange->request.media_type())) {
    api.upload(exchange,
               [&cache, segment](const Caller& caller, const std::shared_ptr<Exchange>& asked) {
                 append_lines(caller, cache, asked, segment);
               });
    return;
  }
  if (!exchange->request.target.parameters.empty())
    return exchange->respond(problem(422, "bad_input",
                                     "With a JSON body, \"first\", \"close\" and \"encoding\" are "
                                     "fields of the body, not parameters."));
  // It may wait for room, so it must not hold a thread for short calls.
  api.stream(exchange,
             [&cache, segment](const Caller& caller, const std::shared_ptr<Exchange>& asked) {
               const JobNumber number = job_number(segment);
               Response done = append_list(caller, number, asked->request.body);
               cache.forget(number);
               asked->respond(std::move(done));
             });
}

}  // namespace

void add_append_routes(Routes& routes, Api& api, JobCache& cache) {
  routes.add("POST", "/v1/jobs/{job}/items", BodyForm::lines,
             [&api, &cache](const std::shared_ptr<Exchange>& asked, const Variables& v) {
               append(api, cache, asked, v[0]);
             });
}

}  // namespace quern::gateway
