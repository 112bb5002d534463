#include "quern/join.hpp"

#include <unistd.h>

#include <filesystem>
#include <zmq.hpp>

#include "keys/error.hpp"
#include "keys/files.hpp"
#include "keys/invitation.hpp"
#include "link/connection.hpp"

namespace quern {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? name : "peer";
}

/// The broker's answer to ENROL. Throws ConnectionError if there is none.
wire::Enrolled enrol(link::Connection& connection, const wire::Enrol& enrol, milliseconds wait) {
  runtime::Poller poller;
  const auto until = Clock::now() + wait;
  connection.reopen();
  connection.send({{}, enrol});
  while (Clock::now() < until) {
    poller.clear();
    connection.poll_in(poller);
    poller.wait(std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(until - Clock::now())));
    if (const auto received = connection.receive()) {
      const auto* envelope = std::get_if<wire::Envelope>(&*received);
      if (envelope == nullptr) break;
      if (const auto* enrolled = std::get_if<wire::Enrolled>(&envelope->message)) return *enrolled;
      if (const auto* refused = std::get_if<wire::Refused>(&envelope->message))
        throw ConnectionError(refused->code, refused->text);
      if (const auto* error = std::get_if<wire::ErrorMessage>(&envelope->message))
        throw ConnectionError(error->code, error->text);
    }
    if (connection.look() == link::LinkState::denied)
      throw ConnectionError(
          ErrorCode::denied,
          "no invitation is open at " + connection.endpoint() +
              ": the code was used or has expired; ask for a new one (`quern keys invite`)");
  }
  throw ConnectionError(
      ErrorCode::no_broker,
      "the broker at " + connection.endpoint() +
          " does not answer; check that it is running and that this machine can reach it" +
          (connection.why().empty() ? "" : " (" + connection.why() + ")"));
}

}  // namespace

Joined join(const std::string& text, const JoinOptions& options) {
  try {
    const keys::InvitationCode code = keys::code_of(text);
    const std::string folder = options.keys.empty() ? keys::default_folder() : options.keys;
    if (folder.empty())
      throw keys::KeyError(
          "the folder for the keys is unknown because neither XDG_CONFIG_HOME nor HOME is set; "
          "name it with --keys");
    const std::string side = options.worker ? "worker" : "client";
    const std::string place = keys::folder_for(folder, code.endpoint);
    for (const auto& part : {folder, folder + "/brokers"}) keys::make_folder(part);
    const keys::FolderLock lock(folder + "/brokers");
    if (const auto pinned = keys::read_public(place + "/broker.pub");
        pinned && *pinned != code.broker_key)
      throw keys::KeyError("this machine has keys for another broker at " + code.endpoint +
                           "; if that broker was set up again, remove " + place +
                           " and join again");
    // Existing keys are not touched before the broker has accepted the new one. The new key is
    // stored before that, so that a crash right after the acceptance does not lose the key that the
    // broker knows.
    const std::string draft = place + ".joining";
    keys::make_folder(draft);
    const bool same_broker =
        keys::read_public(draft + "/broker.pub").value_or(code.broker_key) == code.broker_key;
    auto own = keys::read_pair(place, side);
    if (!own && same_broker) own = keys::read_pair(draft, side);
    if (!own) own = keys::new_key_pair();
    keys::write_pair(draft, side, *own);
    keys::write_file(draft + "/broker.pub", code.broker_key + "\n", 0644);
    zmq::context_t context(1);
    link::Connection connection(
        context, code.endpoint,
        {false, draft, options.worker ? keys::Side::worker : keys::Side::client});
    const wire::Enrol request{options.name.empty() ? host_name() : options.name, code.secret};
    wire::Enrolled enrolled;
    try {
      enrolled = enrol(connection, request, options.wait);
    } catch (const ConnectionError& error) {
      if (!std::string_view(error.what()).starts_with(keys::kRevokedKey)) throw;
      own = keys::new_key_pair();
      keys::write_pair(draft, side, *own);
      enrolled = enrol(connection, request, options.wait);
    }
    connection.close();
    keys::make_folder(place);
    keys::write_pair(place, side, *own);
    keys::write_file(place + "/broker.pub", code.broker_key + "\n", 0644);
    keys::write_file(place + "/endpoint", code.endpoint + "\n", 0644);
    std::error_code ignored;
    std::filesystem::remove_all(draft, ignored);
    return {code.endpoint, enrolled.name, enrolled.roles};
  } catch (const keys::KeyError& error) {
    throw Error(ErrorCode::bad_input, error.what());
  } catch (const zmq::error_t& error) {
    throw Error(ErrorCode::bad_input,
                std::string("the endpoint in the code cannot be used: ") + error.what());
  }
}

}  // namespace quern
