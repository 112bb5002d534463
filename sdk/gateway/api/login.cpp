#include "gateway/api/login.hpp"

#include <utility>

#include "keys/sodium.hpp"
#include "notation/base64.hpp"

namespace quern::gateway {
namespace {

constexpr std::size_t kCodeBytes = 16;

constexpr std::pair<keys::GrantRole, const char*> kRoles[] = {{keys::GrantRole::submit, "submit"},
                                                              {keys::GrantRole::work, "work"},
                                                              {keys::GrantRole::read, "read"},
                                                              {keys::GrantRole::admin, "admin"}};

std::string new_code() {
  return notation::base64(keys::random_bytes(kCodeBytes), notation::Base64::url);
}

/// Without the line of the key, only the broker knows its roles: it decides about each request.
Json rights_of(const Identity& who) {
  Json roles = Json::array();
  for (const auto& [role, word] : kRoles)
    if (!who.grant || who.grant->may(role)) roles.push_back(word);
  Json functions;
  if (who.grant && !who.grant->functions.empty()) functions = who.grant->functions;
  return {{"name", who.grant ? who.grant->name : who.id},
          {"roles", std::move(roles)},
          {"functions", std::move(functions)}};
}

}  // namespace

Login::Login(Api& api, std::string token)
    : api_(api), token_(std::move(token)), code_(token_.empty() ? "" : new_code()) {}

bool Login::use(const std::string& code) {
  std::lock_guard lock(mutex_);
  if (is_used_ || code_.empty() || !keys::same_secret(code, code_)) return false;
  return is_used_ = true;
}

std::variant<std::string, Response> Login::token_of(const Request& request) {
  const Json body = json_of(request.body);
  Fields fields(body);
  const auto code = fields.text("code");
  const auto token = fields.text("token");
  fields.finish();
  if (code.has_value() == token.has_value())
    return problem(422, "bad_input", "Give either \"token\" or \"code\".");
  if (token) return *token;
  if (use(*code)) return token_;
  return api_.sessions().reject(
      request,
      "The code is wrong or was used before: log in with a token, or start the gateway again.");
}

Response Login::identity(const Request& request, const Identity& who) const {
  Response answer = json_answer(rights_of(who));
  answer.with("Cache-Control", "no-store");
  // Each visit prolongs the login.
  if (request.field("authorization").empty() && !who.token.empty())
    answer.with("Set-Cookie", api_.sessions().cookies().issue(who.token));
  return answer;
}

Response Login::log_in(const Request& request) {
  const auto token = token_of(request);
  if (const auto* refused = std::get_if<Response>(&token)) return *refused;
  if (api_.sessions().options().insecure) return show(request);
  const auto who = api_.sessions().identity_with(std::get<std::string>(token), request);
  if (const auto* refused = std::get_if<Response>(&who)) return *refused;
  return identity(request, std::get<Identity>(who));
}

Response Login::show(const Request& request) {
  const auto who = api_.sessions().identity_of(request);
  if (const auto* refused = std::get_if<Response>(&who)) return *refused;
  return identity(request, std::get<Identity>(who));
}

void Login::add_routes(Routes& routes) {
  // On other threads: to derive a key takes longer than the I/O thread may be held.
  const auto answered_by = [this](Response (Login::*answer)(const Request&)) {
    return [this, answer](const std::shared_ptr<Exchange>& asked, const Variables&) {
      const bool runs = api_.run([this, answer, asked] {
        asked->respond(guarded([&] { return (this->*answer)(asked->request); }));
      });
      if (!runs)
        asked->respond(
            problem(503, "queue_full", "Too many requests wait.").with("Retry-After", "1"));
    };
  };
  routes.add("POST", "/v1/session", BodyForm::whole, answered_by(&Login::log_in));
  routes.add("GET", "/v1/session", BodyForm::none, answered_by(&Login::show));
  routes.add("DELETE", "/v1/session", BodyForm::none,
             [this](const std::shared_ptr<Exchange>& asked, const Variables&) {
               Response answer;
               answer.status = 204;
               answer.type = "";
               asked->respond(answer.with("Set-Cookie", api_.sessions().cookies().clear()));
             });
}

}  // namespace quern::gateway
