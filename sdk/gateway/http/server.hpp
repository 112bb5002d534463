// The HTTP server: listeners, connections and their limits, on one I/O thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/http/routes.hpp"
#include "gateway/http/screening.hpp"

namespace quern::gateway {

struct Listen {
  std::string host;  ///< an address; empty for a unix socket
  unsigned short port = 0;
  std::string path;  ///< of a unix socket
};

/// A certificate chain and its key, as PEM files.
struct TlsFiles {
  std::string certificate;
  std::string key;
};

struct ServerOptions {
  Listen listen;
  std::optional<TlsFiles> tls;
  HostNames names;
  std::size_t connections_max = 10'000;
  std::size_t per_address_max = 256;
};

/// Called on the I/O thread after every answer, for the metrics: the route's path (empty if none
/// was found), the status, and the seconds from the end of the head to the answer.
using Observer = std::function<void(const std::string& route, unsigned status, double seconds)>;

class Server {
 public:
  /// Listens. Throws std::system_error that names the address, or std::runtime_error about the TLS
  /// files.
  Server(ServerOptions options, Routes routes, Observer observer);
  ~Server();

  /// Where it listens, as a URL: "http://127.0.0.1:7680", or "unix:PATH".
  const std::string& url() const;
  /// Serves until stop(). Calls handlers on this thread.
  void run();
  /// Ends run() soon: no new connections, answers under way get a few seconds. Any thread.
  void stop();
  /// Calls `what` on the I/O thread. Any thread.
  void post(std::function<void()> what);
  /// Calls `what` on the I/O thread in `seconds`. On the I/O thread only.
  void after(double seconds, std::function<void()> what);
  /// Connections that are open. On the I/O thread only.
  std::size_t connections() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quern::gateway
