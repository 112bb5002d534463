#include "gateway/api/health.hpp"

namespace quern::gateway {
namespace {

Response plain(unsigned status, std::string text) {
  return {status, "text/plain; charset=utf-8", std::move(text), {}};
}

/// A session that can ask the broker something, if the gateway has one of its own.
std::optional<Caller> own_session(Api& api, const std::string& token) {
  if (api.sessions().options().insecure) {
    auto caller = api.sessions().caller_of({});
    return std::get<Caller>(caller);
  }
  if (token.empty()) return std::nullopt;
  return api.sessions().caller_with(token);
}

Response ready(Api& api, const std::string& token) {
  try {
    const auto caller = own_session(api, token);
    if (!caller) return plain(200, "ready (not checked: the gateway has no key of its own)\n");
    caller->client->connect();
    return plain(200, "ready\n");
  } catch (const Error& error) {
    return plain(503, std::string("not ready: ") + error.what() + "\n").with("Retry-After", "2");
  }
}

/// The metrics of the broker need the right to read, so they are part of the answer only for a
/// caller with a token.
std::string broker_metrics(const Caller& caller, bool& is_up) {
  try {
    const auto status = caller.client->broker();
    is_up = true;
    return metrics_of(status);
  } catch (const Error&) {
    is_up = false;
    return "";
  }
}

}  // namespace

void add_health_routes(Routes& routes, Api& api, const HttpMetrics& metrics, const Events& events,
                       const std::string& token) {
  using Asked = std::shared_ptr<Exchange>;
  routes.add("GET", "/livez", BodyForm::none,
             [](const Asked& asked, const Variables&) { asked->respond(plain(200, "alive\n")); });
  routes.add("GET", "/readyz", BodyForm::none, [&api, token](const Asked& asked, const Variables&) {
    if (api.broker_is_gone())
      return asked->respond(plain(503, "not ready: no broker answers\n").with("Retry-After", "2"));
    if (!api.run([&api, token, asked] { asked->respond(ready(api, token)); }))
      asked->respond(plain(503, "not ready: too many requests wait\n"));
  });
  routes.add("GET", "/metrics", BodyForm::none,
             [&api, &metrics, &events](const Asked& asked, const Variables&) {
               const std::string requests = metrics.text();
               GatewayStatus gateway;
               gateway.connections = api.server().connections();
               gateway.sessions = api.sessions().open();
               gateway.sse_clients = events.clients();
               api.ask(asked, [requests, gateway](const Caller& caller, Exchange&) {
                 GatewayStatus own = gateway;
                 const std::string broker = broker_metrics(caller, own.broker_up);
                 Response response;
                 response.type = "text/plain; version=0.0.4; charset=utf-8";
                 response.body = metrics_of(own) + broker + requests;
                 return response;
               });
             });
  routes.add("GET", "/v1/openapi.json", BodyForm::none, [](const Asked& asked, const Variables&) {
    asked->respond({200, "application/json", std::string(openapi_document()), {}});
  });
}

}  // namespace quern::gateway
