#include "gateway/people/routes.hpp"

namespace quern::gateway {
namespace {

/// Who has answered what, and how well, is for those who manage the work.
Response show(Api& api, const People& people, const Request& request) {
  const auto who = api.sessions().identity_of(request);
  if (const auto* refused = std::get_if<Response>(&who)) return *refused;
  const auto& grant = std::get<Identity>(who).grant;
  const bool is_admin =
      grant ? grant->may(keys::GrantRole::admin) : api.sessions().options().insecure;
  if (!is_admin)
    throw BadRequest(problem(403, "denied",
                             "The record of people's answers needs a key with the role admin, "
                             "whose line in authorized_keys is on the machine of the gateway."));
  return people.show();
}

}  // namespace

void add_people_routes(Routes& routes, Api& api, People& people) {
  routes.add("GET", "/v1/people", BodyForm::none,
             [&api, &people](const std::shared_ptr<Exchange>& asked, const Variables&) {
               asked->respond(guarded([&] { return show(api, people, asked->request); }));
             });
}

}  // namespace quern::gateway
