// Which handler answers which request.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/http/exchange.hpp"

namespace quern::gateway {

/// How a route takes the body of a request.
enum class BodyForm : unsigned char {
  none,    ///< it has none; one that is sent is refused
  whole,   ///< read before the handler is called, 1 MiB at most
  stream,  ///< read by the handler as it comes, however long it is
  lines    ///< application/x-ndjson is read by the handler as it comes, however long it is; any
           ///< other body as a whole
};

/// The variable segments of a path, in order, e.g. {"12"} for jobs/{number}.
using Variables = std::vector<std::string>;
using Handler = std::function<void(std::shared_ptr<Exchange>, const Variables&)>;

struct Route {
  std::string method;
  std::string path;  ///< "/v1/jobs/{number}"; a segment in braces is variable
  BodyForm body = BodyForm::none;
  Handler handler;
  std::vector<std::string> segments;  ///< of `path`
  /// The names that the query may have; nothing: the handler checks them.
  std::optional<std::vector<std::string>> parameters{};
};

/// Why a query is refused: it has a parameter that the route does not know.
std::optional<Response> refusal_of(const Route& route, const Target& target);

class Routes {
 public:
  void add(std::string method, std::string path, BodyForm body, Handler handler);

  /// Sets the names that the query of a route may have.
  void restrict(const std::string& method, const std::string& path,
                std::vector<std::string> parameters);

  struct Found {
    const Route* route = nullptr;  ///< null if no route has this path and method
    Variables variables;
    std::string allowed;  ///< the methods that the path has, for Allow; empty: no such path
  };
  Found find(const Request& request) const;
  const std::vector<Route>& all() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

}  // namespace quern::gateway
