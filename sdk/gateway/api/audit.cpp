#include "gateway/api/audit.hpp"

#include <utility>

#include "keys/audit_files.hpp"
#include "keys/error.hpp"

namespace quern::gateway {
namespace {

constexpr std::int64_t kRecords = 100, kRecordsMost = 1000;
// Lines that are examined for one answer: about a second.
constexpr std::size_t kExaminedMost = 200'000;

std::string field(const std::string& line, const char* name) {
  return keys::field_of(line, name).value_or("");
}

std::int64_t number_of(const std::string& line) {
  const auto position = keys::position_before(line);
  return position ? static_cast<std::int64_t>(position->count) + 1 : 0;
}

Json record_of(const std::string& line) {
  return {{"n", number_of(line)},
          {"at", field(line, "time")},
          {"who", field(line, "principal")},
          {"address", field(line, "address")},
          {"action", field(line, "action")},
          {"object", field(line, "object")},
          {"outcome", field(line, "decision")},
          {"detail", field(line, "reason")}};
}

/// Who may see what all others do: the role admin. The file does not pass through the broker, so
/// the gateway must know the key's line.
void check_admin(const Identity& who) {
  if (who.grant && who.grant->may(keys::GrantRole::admin)) return;
  throw BadRequest(problem(403, "denied",
                           "The audit log needs a key with the role admin, whose line in "
                           "authorized_keys is on the machine of the gateway."));
}

Response list(const Request& request, const Identity& who, const std::string& folder) {
  check_admin(who);
  const auto limit = static_cast<std::size_t>(
      integer_parameter(request.target, "limit", kRecords, 1, kRecordsMost));
  const auto before = integer_parameter(request.target, "after", INT64_MAX, 1, INT64_MAX);
  const std::string text = request.target.parameter("text").value_or("");
  const auto files = keys::audit_files(folder);
  if (files.empty())
    throw BadRequest(problem(404, "unknown_job",
                             "There is no audit log on the machine of the gateway: a broker writes "
                             "one unless it was started with --insecure or --no-audit."));
  Json records = Json::array();
  std::int64_t next = 0;
  std::size_t examined = 0;
  keys::for_each_line_backwards(files, [&](const std::string& line) {
    const std::int64_t number = number_of(line);
    if (number >= before) return true;
    if (records.size() == limit || ++examined > kExaminedMost) {
      next = number + 1;
      return false;
    }
    if (text.empty() || line.find(text) != line.npos) records.push_back(record_of(line));
    return true;
  });
  return json_answer({{"records", std::move(records)}, {"next", next == 0 ? Json() : Json(next)}});
}

}  // namespace

void add_audit_route(Routes& routes, Api& api, std::string folder) {
  routes.add(
      "GET", "/v1/audit", BodyForm::none,
      [&api, folder = std::move(folder)](const std::shared_ptr<Exchange>& asked, const Variables&) {
        const bool runs = api.run([&api, asked, folder] {
          asked->respond(guarded([&] {
            const auto who = api.sessions().identity_of(asked->request);
            if (const auto* refused = std::get_if<Response>(&who)) return *refused;
            try {
              return list(asked->request, std::get<Identity>(who), folder);
            } catch (const keys::KeyError& error) {
              return problem(500, "failed", sentence(error.what()));
            }
          }));
        });
        if (!runs)
          asked->respond(
              problem(503, "queue_full", "Too many requests wait.").with("Retry-After", "1"));
      });
}

}  // namespace quern::gateway
