#include "link/connection.hpp"

#include <cerrno>
#include <stdexcept>

#include "keys/error.hpp"
#include "keys/invitation.hpp"
#include "runtime/greeting.hpp"

namespace quern::link {
namespace {

// How long to probe which mechanism a server uses, after a handshake with it has failed.
constexpr std::chrono::milliseconds kAsk{500};

}  // namespace

runtime::Parts parts_of(const wire::Frames& frames) {
  runtime::Parts parts;
  parts.reserve(frames.size());
  for (const auto& frame : frames) parts.push_back({frame.owner(), frame.view()});
  return parts;
}

wire::Frames frames_of(runtime::Parts&& parts) {
  wire::Frames frames;
  frames.reserve(parts.size());
  for (auto& part : parts) frames.emplace_back(std::move(part.owner), part.view);
  return frames;
}

Connection::Connection(zmq::context_t& context, std::string endpoint, Access access)
    : context_(context), endpoint_(std::move(endpoint)), access_(std::move(access)) {
  if (access_.folder.empty()) access_.folder = keys::default_folder();
}

void Connection::reopen() {
  socket_.reset();
  arrived_.clear();
  // An invalid endpoint is reported before its keys are looked up.
  if (!endpoint_.starts_with("tcp://") && !endpoint_.starts_with("ipc://"))
    throw zmq::error_t(EPROTONOSUPPORT);
  if (endpoint_.starts_with("tcp://") && !keys::is_peer_endpoint(endpoint_))
    throw std::invalid_argument(endpoint_ +
                                ": use the form tcp://HOST:PORT with a port from 1 to 65535");
  runtime::SocketOptions options;
  if (!access_.insecure && !use_keys(options)) {
    state_ = LinkState::no_keys;
    return;
  }
  options.part_bytes_max = wire::kPartBytesMax;
  options.high_water_mark =
      0;  // credits limit what is in flight; a high-water mark would only block the actor
  socket_.emplace(runtime::Socket::dealer(context_, options));
  socket_->watch(context_);
  socket_->connect(endpoint_);
  state_ = LinkState::connecting;
}

bool Connection::use_keys(runtime::SocketOptions& options) {
  try {
    if (auto found = keys::peer_keys(access_.folder, endpoint_, access_.side, access_.token)) {
      options.curve_client = {found->broker_key, found->own.public_key, found->own.secret_key};
      return true;
    }
    if (access_.folder.empty()) {
      why_ =
          "the folder of the keys is unknown because HOME is not set; name it with QUERN_KEYS or "
          "--keys";
      return false;
    }
    why_ = "no keys in " + access_.folder + " for the broker at " + endpoint_ +
           ": a broker on this machine creates them when it starts (`quern up`); for a broker "
           "elsewhere, ask its operator for an invitation (`quern keys invite`)";
  } catch (const keys::KeyError& error) {
    why_ = error.what();
  }
  return false;
}

void Connection::close(std::chrono::milliseconds linger) {
  if (socket_) socket_->raw().set(zmq::sockopt::linger, static_cast<int>(linger.count()));
  socket_.reset();
  arrived_.clear();
}

bool Connection::send(const wire::Envelope& envelope, std::span<const wire::Message> piggybacked) {
  return socket_ &&
         socket_->send(parts_of(wire::encode(envelope, piggybacked))) == runtime::SendResult::sent;
}

std::optional<std::variant<wire::Envelope, wire::DecodeError>> Connection::receive() {
  if (arrived_.empty()) {
    if (!socket_) return std::nullopt;
    auto parts = socket_->receive(wire::kPartsMax);
    if (!parts) return std::nullopt;
    wire::Piggybacked piggybacked;
    auto decoded = wire::decode(frames_of(std::move(*parts)), &piggybacked);
    auto* envelope = std::get_if<wire::Envelope>(&decoded);
    if (!envelope || piggybacked.empty()) return decoded;
    for (auto& acknowledgement : piggybacked)
      arrived_.push_back({envelope->session, std::move(acknowledgement)});
    arrived_.push_back(std::move(*envelope));
  }
  auto first = std::move(arrived_.front());
  arrived_.pop_front();
  return first;
}

LinkState Connection::look() {
  if (!socket_) return state_;
  switch (socket_->link_event()) {
    case runtime::LinkEvent::none:
      break;
    case runtime::LinkEvent::connected:
      state_ = LinkState::connected;
      why_.clear();
      break;
    case runtime::LinkEvent::disconnected:
    case runtime::LinkEvent::retrying:
      // A failed handshake also ends the connection: the first event has the reason.
      if (state_ != LinkState::broken && state_ != LinkState::denied) state_ = LinkState::no_broker;
      break;
    case runtime::LinkEvent::denied:
      state_ = LinkState::denied;
      why_ = "the broker at " + endpoint_ + " rejected " +
             (access_.token.empty() ? "the key in " + access_.folder : "the token") +
             ", which is unknown or revoked: ask its operator to add it (`quern keys add`) or to "
             "invite you (`quern keys invite`)";
      break;
    case runtime::LinkEvent::foreign:
      speaks_another();
      break;
    case runtime::LinkEvent::busy:
      state_ = LinkState::broken;
      why_ = "the broker at " + endpoint_ +
             " temporarily rejects connections: too many come from this address, it is overloaded, "
             "or its authorized_keys is damaged (see its log)";
      break;
    case runtime::LinkEvent::broken_handshake:
      // The same mistake can show in either way, depending on which side closes first.
      if (const auto spoken = runtime::mechanism_at(endpoint_, kAsk);
          spoken && *spoken != (access_.insecure ? "NULL" : "CURVE")) {
        speaks_another();
        break;
      }
      state_ = LinkState::broken;
      why_ = access_.insecure
                 ? "the program that listens at " + endpoint_ +
                       " closed the connection; check that it is a Quern broker"
                 : "the broker at " + endpoint_ + " has a different key than " + access_.folder +
                       "/broker.pub, or is stopping, or its authorized_keys is damaged: if its "
                       "keys were replaced, ask for a new invitation, or copy its broker.pub";
      break;
  }
  return state_;
}

void Connection::speaks_another() {
  state_ = LinkState::denied;
  why_ = access_.insecure ? "the program that listens at " + endpoint_ +
                                " uses encryption, or is not a Quern broker: leave out --insecure"
                          : "the program that listens at " + endpoint_ +
                                " does not encrypt connections, or is not a Quern broker: to use a "
                                "broker without encryption, add --insecure";
}

}  // namespace quern::link
