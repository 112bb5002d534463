#include "link/connection.hpp"

namespace quern::link {

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

Connection::Connection(zmq::context_t& context, std::string endpoint) : context_(context), endpoint_(std::move(endpoint)) {}

void Connection::reopen() {
  socket_.reset();
  runtime::SocketOptions options;
  options.part_bytes_max = wire::kPartBytesMax;
  options.high_water_mark = 0;  // credits bound what is in flight; a mark here would only block the actor
  socket_.emplace(runtime::Socket::dealer(context_, options));
  socket_->watch(context_);
  socket_->connect(endpoint_);
  state_ = LinkState::connecting;
}

void Connection::close(std::chrono::milliseconds linger) {
  if (socket_) socket_->raw().set(zmq::sockopt::linger, static_cast<int>(linger.count()));
  socket_.reset();
}

bool Connection::send(const wire::Envelope& envelope) {
  return socket_ && socket_->send(parts_of(wire::encode(envelope))) == runtime::SendResult::sent;
}

std::optional<std::variant<wire::Envelope, wire::DecodeError>> Connection::receive() {
  if (!socket_) return std::nullopt;
  auto parts = socket_->receive(wire::kPartsMax);
  if (!parts) return std::nullopt;
  return wire::decode(frames_of(std::move(*parts)));
}

LinkState Connection::look() {
  if (!socket_) return state_;
  switch (socket_->link_event()) {
    case runtime::LinkEvent::none: break;
    case runtime::LinkEvent::connected: state_ = LinkState::connected; break;
    case runtime::LinkEvent::disconnected:
    case runtime::LinkEvent::retrying: state_ = LinkState::no_broker; break;
    case runtime::LinkEvent::refused_by_handshake: state_ = LinkState::refused; break;
  }
  return state_;
}

}  // namespace quern::link
