#include "gateway/api/cluster.hpp"

#include <map>
#include <set>

namespace quern::gateway {
namespace {

Response workers(const Caller& caller) {
  Json list = Json::array();
  for (const auto& status : caller.client->workers()) list.push_back(json::to_json(status));
  return json_answer({{"workers", std::move(list)}});
}

Response worker(const Caller& caller, const std::string& name) {
  for (const auto& status : caller.client->workers())
    if (status.name == name) return json_answer(json::to_json(status));
  return problem(404, "not_found", "There is no worker of that name: GET /v1/workers lists them.");
}

Response drain(const Caller& caller, const std::string& name) {
  return json_answer({{"worker", name}, {"detail", caller.client->drain(name)}});
}

/// Every function with who offers it and how fast.
Response functions(const Caller& caller) {
  struct Offered {
    FunctionDecl decl;
    std::set<std::string> workers;
    double rate = 0;
  };
  std::map<std::pair<std::string, Takes>, Offered> offered;
  for (const auto& status : caller.client->workers()) {
    if (status.state == "lost") continue;
    for (const auto& decl : status.functions) {
      Offered& one = offered[{decl.name, decl.takes}];
      one.decl = decl;
      one.workers.insert(status.name);
      for (const auto& rate : status.rates)
        if (rate.function == decl.name) one.rate += rate.rate * status.capacity.slots;
    }
  }
  Json list = Json::array();
  for (const auto& [key, one] : offered)
    list.push_back({{"function", one.decl.name},
                    {"takes", to_string(one.decl.takes)},
                    {"encoding", one.decl.encoding == Encoding::raw ? "raw" : "value"},
                    {"reduce", one.decl.reduce},
                    {"idempotent", one.decl.idempotent},
                    {"rate", one.rate},
                    {"workers", one.workers}});
  return json_answer({{"functions", std::move(list)}});
}

}  // namespace

void add_cluster_routes(Routes& routes, Api& api) {
  const auto answer = [&](const char* method, const char* path, BodyForm body,
                          std::function<Response(const Caller&, const Variables&)> what) {
    routes.add(method, path, body,
               [&api, what = std::move(what)](const std::shared_ptr<Exchange>& asked,
                                              const Variables& variables) {
                 api.ask(asked, [what, variables](const Caller& caller, Exchange&) {
                   return what(caller, variables);
                 });
               });
  };
  answer("GET", "/v1/workers", BodyForm::none,
         [](const Caller& caller, const Variables&) { return workers(caller); });
  answer("GET", "/v1/workers/{worker}", BodyForm::none,
         [](const Caller& caller, const Variables& v) { return worker(caller, v[0]); });
  answer("POST", "/v1/workers/{worker}/drain", BodyForm::whole,
         [](const Caller& caller, const Variables& v) { return drain(caller, v[0]); });
  answer("GET", "/v1/functions", BodyForm::none,
         [](const Caller& caller, const Variables&) { return functions(caller); });
  answer("GET", "/v1/broker", BodyForm::none, [](const Caller& caller, const Variables&) {
    return json_answer(json::to_json(caller.client->broker()));
  });
}

}  // namespace quern::gateway
