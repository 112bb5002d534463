#include "gateway/options.hpp"

#include <unistd.h>

#include <boost/program_options.hpp>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "keys/audit_files.hpp"
#include "keys/error.hpp"
#include "keys/files.hpp"
#include "keys/token.hpp"

namespace quern::gateway {
namespace {

namespace po = boost::program_options;

constexpr char kUsage[] =
    R"(usage: quern-gateway [--listen HOST:PORT] [--broker ENDPOINT] [OPTIONS]

Serves the broker over HTTP: submit jobs, fetch results, see workers, read metrics. Every request
acts as the key whose token it carries (`quern keys token`); the gateway has no rights of its own.
When it is ready, it prints "ready URL" and nothing else on standard output; with --login-token,
"ready URL LOGIN", in which LOGIN is a link that logs a browser in once.

  quern-gateway
  quern-gateway --listen 0.0.0.0:8443 --tls-cert chain.pem --tls-key key.pem --host quern.lab
  quern-gateway --listen unix:/run/quern/http.sock
  curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:7680/v1/jobs
)";

ParsedOptions mistake(const std::string& line) {
  std::fprintf(stderr, "quern-gateway: %s (see quern-gateway --help)\n", line.c_str());
  return {std::nullopt, 2};
}

bool is_loopback(const std::string& host) { return host.starts_with("127.") || host == "::1"; }

/// HOST:PORT, [HOST]:PORT or unix:PATH; nothing if it is none of them.
std::optional<Listen> listen_of(const std::string& text) {
  if (text.starts_with("unix:")) {
    Listen listen;
    listen.path = text.substr(5);
    // The limit of sun_path.
    if (listen.path.empty() || listen.path.size() > 107) return std::nullopt;
    return listen;
  }
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  Listen listen;
  listen.host = text.substr(0, colon);
  if (listen.host.starts_with('[') && listen.host.ends_with(']'))
    listen.host = listen.host.substr(1, listen.host.size() - 2);
  else if (listen.host.find(':') != listen.host.npos)
    return std::nullopt;
  if (listen.host == "localhost") listen.host = "127.0.0.1";
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + colon + 1, end, listen.port);
  if (error != std::errc{} || rest != end || listen.host.empty()) return std::nullopt;
  return listen;
}

std::string endpoint_of(const po::variables_map& given) {
  if (given.contains("broker")) return given["broker"].as<std::string>();
  const char* named = std::getenv("QUERN_BROKER");
  return named && *named ? named : "tcp://127.0.0.1:7600";
}

/// The names by which clients may address the gateway.
HostNames names_of(const Listen& listen, const std::vector<std::string>& more) {
  HostNames names = {"localhost", "127.0.0.1", "[::1]"};
  if (!listen.host.empty() && listen.host != "0.0.0.0" && listen.host != "::")
    names.push_back(listen.host.find(':') == std::string::npos ? listen.host
                                                               : "[" + listen.host + "]");
  for (const auto& name : more) names.push_back(host_name(name));
  return names;
}

/// The token in a file. Throws KeyError.
std::string token_in(const std::string& file) {
  const auto text = keys::read_private(file);
  if (!text) throw keys::KeyError(file + ": there is no such file");
  const std::string token = text->substr(0, text->find_last_not_of(" \r\n") + 1);
  if (!keys::is_token(token)) throw keys::KeyError(file + ": the file does not contain a token");
  return token;
}

}  // namespace

ParsedOptions parse_options(int argc, char** argv) {
  Options options;
  std::string listen, certificate, key, seed, login, people;
  std::vector<std::string> hosts;
  int upload_wait = 0;
  po::options_description all("Options");
  auto add = all.add_options();
  add("listen", po::value(&listen)->value_name("ADDRESS")->default_value("127.0.0.1:7680"),
      "HOST:PORT (port 0: any free one), or unix:PATH; beyond this machine only with TLS");
  add("tls-cert", po::value(&certificate)->value_name("FILE"), "certificate chain, PEM");
  add("tls-key", po::value(&key)->value_name("FILE"), "its private key, PEM");
  add("host", po::value(&hosts)->value_name("NAME"),
      "a name by which clients address the gateway, besides localhost and the address it listens "
      "on; may be repeated");
  add("broker", po::value<std::string>()->value_name("ENDPOINT"),
      "the broker (default $QUERN_BROKER, else tcp://127.0.0.1:7600)");
  add("keys", po::value(&options.broker.keys)->value_name("DIR"),
      "folder with the broker's public key (default $QUERN_KEYS, else $XDG_CONFIG_HOME/quern)");
  add("insecure",
      "the broker serves without keys (--insecure): nobody needs a token; on this machine only");
  add("seed-token", po::value(&seed)->value_name("FILE"),
      "file with the token as which clients on this machine may use /add_task and /get_result "
      "without one of their own");
  add("login-token", po::value(&login)->value_name("FILE"),
      "file with the token as which a link that works once logs a browser in");
  add("people-token", po::value(&people)->value_name("FILE"),
      "file with a token of the role work: with it, the gateway takes the tasks that people do, "
      "and "
      "gives them to the people who ask (`people` of POST /v1/leases)");
  add("state", po::value(&options.state)->value_name("FILE"),
      "file that remembers which results of /get_result were taken (default "
      "$XDG_STATE_HOME/quern/gateway.json); beside it, FILE.key, the key of browsers' logins, and "
      "FILE.people, the answers of people");
  add("audit", po::value(&options.audit)->value_name("DIR"),
      "folder of the broker's audit log, which keys with the role admin may see (default "
      "$XDG_STATE_HOME/quern)");
  add("connections", po::value(&options.server.connections_max)->value_name("N"),
      "connections at a time (default 10000)");
  add("per-address", po::value(&options.server.per_address_max)->value_name("N"),
      "connections of one address at a time (default 256)");
  add("upload-wait", po::value(&upload_wait)->value_name("S")->default_value(60),
      "seconds that a file may wait for room at the broker before it is refused with 503");
  add("version", "print the version");
  add("help,h", "print this text");
  po::variables_map given;
  try {
    po::store(po::command_line_parser(argc, argv).options(all).run(), given);
    po::notify(given);
  } catch (const po::error& error) {
    return mistake(error.what());
  }
  if (given.contains("help")) {
    std::cout << kUsage << "\n" << all;
    return {std::nullopt, 0};
  }
  if (given.contains("version")) {
    std::cout << "quern-gateway " QUERN_VERSION "\n";
    return {std::nullopt, 0};
  }
  const auto where = listen_of(listen);
  if (!where) return mistake("--listen " + listen + ": give HOST:PORT or unix:PATH");
  options.server.listen = *where;
  if (certificate.empty() != key.empty())
    return mistake("--tls-cert and --tls-key belong together");
  if (!certificate.empty()) options.server.tls = TlsFiles{certificate, key};
  options.broker.insecure = given.contains("insecure");
  const bool is_here = !where->path.empty() || is_loopback(where->host);
  if (!is_here && options.broker.insecure)
    return mistake("--insecure serves this machine only: --listen 127.0.0.1:PORT");
  if (!is_here && !options.server.tls)
    return mistake(
        "beyond this machine the gateway serves TLS only: give --tls-cert and --tls-key");
  if (!where->path.empty() && options.server.tls)
    return mistake("TLS is for addresses: leave out --tls-cert, or listen on HOST:PORT");
  for (const auto& name : hosts)
    if (host_name(name).empty()) return mistake("--host " + name + " is not a host name");
  if (options.server.connections_max == 0 || options.server.per_address_max == 0)
    return mistake("--connections and --per-address must be at least 1");
  if (upload_wait < 1 || upload_wait > 86'400)
    return mistake("--upload-wait takes 1 to 86400 seconds");
  options.upload_wait = std::chrono::seconds(upload_wait);
  options.server.names = names_of(*where, hosts);
  options.broker.endpoint = endpoint_of(given);
  if (options.broker.keys.empty()) options.broker.keys = keys::default_folder();
  try {
    if (!seed.empty()) options.seed_token = token_in(seed);
    if (!people.empty()) options.people_token = token_in(people);
    if (!login.empty()) options.login_token = token_in(login);
    if (!given.contains("state"))
      if (const auto folder = keys::default_state_folder(); !folder.empty()) {
        keys::make_folder(folder);
        options.state = folder + "/gateway.json";
      }
    if (options.audit.empty()) options.audit = keys::default_state_folder();
    if (!options.state.empty()) {
      options.login_key = options.state + ".key";
      options.people = options.state + ".people";
    }
  } catch (const keys::KeyError& error) {
    return mistake(error.what());
  }
  return {std::move(options), 0};
}

}  // namespace quern::gateway
