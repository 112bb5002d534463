#include "broker/actors/auth_actor.hpp"

#include <algorithm>
#include <ctime>

#include "keys/error.hpp"
#include "runtime/log.hpp"

namespace quern::broker {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr char kAddress[] = "inproc://zeromq.zap.01";  // ZeroMQ RFC 27
// How often the files are checked: a change must take effect within a second.
constexpr milliseconds kKeysLook{200};
// How often a persistent problem with the files is reported again.
constexpr std::chrono::seconds kRemind{10};
// Handshakes per address: enough for a rack of machines that reconnect together, but not for a
// flood, as each costs a key agreement.
constexpr Allowance kHandshakes{4000, 500};
constexpr std::size_t kAddressesMax = 10'000;
// Denials that are recorded individually; a flood of them is about one line per second.
constexpr Allowance kTold{100, 2};

std::int64_t utc_seconds() { return static_cast<std::int64_t>(std::time(nullptr)); }

}  // namespace

AuthActor::AuthActor(zmq::context_t& context, KeyRing ring, runtime::Mailbox<GuardEvent>& events)
    : handler_(context, zmq::socket_type::rep), ring_(std::move(ring)), events_(events) {
  handler_.set(zmq::sockopt::linger, 0);
  handler_.bind(kAddress);
  thread_ = std::thread([this] { run(); });
}

AuthActor::~AuthActor() {
  mailbox_.post(Stop{});
  thread_.join();
}

void AuthActor::run() {
  std::vector<Request> requests;
  auto look_at = Clock::now();
  while (!stopping_) {
    zmq::pollitem_t items[] = {{handler_.handle(), 0, ZMQ_POLLIN, 0},
                               {nullptr, mailbox_.fd(), ZMQ_POLLIN, 0}};
    const auto now = Clock::now();
    try {
      zmq::poll(items, 2,
                std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(look_at - now)));
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;
    }
    answer_handshakes();
    mailbox_.drain(requests);
    for (const Request& request : requests) {
      if (const auto* enrol = std::get_if<EnrolRequest>(&request))
        take(*enrol);
      else
        stopping_ = true;
    }
    if (Clock::now() >= look_at) {
      refresh();
      look_at = Clock::now() + kKeysLook;
    }
  }
  handler_.close();
}

void AuthActor::answer_handshakes() {
  for (int n = 0; n < 1000; ++n) {
    std::vector<zmq::message_t> messages;
    for (bool more = true; more;) {
      zmq::message_t part;
      if (!handler_.recv(part, zmq::recv_flags::dontwait)) return;
      more = part.more();
      messages.push_back(std::move(part));
    }
    std::vector<std::string_view> parts;
    for (const auto& message : messages) parts.push_back(message.to_string_view());
    const auto request = zap_request(parts);
    std::string text = "not a request";
    const ZapStatus status = request ? judge(*request, text) : ZapStatus::denied;
    const std::string user = request && status == ZapStatus::ok ? request->key : "";
    const auto answer = zap_answer(parts.size() > 1 ? parts[1] : "", status, text, user);
    for (std::size_t i = 0; i < answer.size(); ++i)
      handler_.send(zmq::buffer(answer[i]),
                    i + 1 < answer.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
}

ZapStatus AuthActor::judge(const ZapRequest& request, std::string& text) {
  const auto now = Clock::now();
  if (handshakes_.size() > kAddressesMax)
    handshakes_.clear();  // bounds the memory, at the price of forgetting floods
  if (!handshakes_[request.address].take(1, kHandshakes, now)) {
    text = "too many connections from this address";
    return ZapStatus::not_now;
  }
  KeyRing::Entry entry;
  if (request.domain != kDomain || request.mechanism != "CURVE")
    entry.reason = "not encrypted";
  else
    entry = ring_.may_connect(request.key, request.address);
  if (!entry.known && entry.reason != "not encrypted") {
    refresh();  // the key or invitation may have just been added; cheap if the files have not
                // changed
    entry = ring_.may_connect(request.key, request.address);
  }
  text = entry.reason;
  if (entry.allowed) return ZapStatus::ok;
  if (told_.take(1, kTold, now))
    events_.post(ConnectionDenied{request.key, request.address, entry.reason});
  // A permanent denial ends a worker. A mistake in the file must not end all workers.
  return entry.unsure ? ZapStatus::not_now : ZapStatus::denied;
}

void AuthActor::refresh() {
  const auto now = Clock::now();
  std::vector<std::string> trouble;
  if (ring_.refresh(utc_seconds(), now, trouble)) events_.post(ring_.known());
  if (trouble.empty() || (trouble == trouble_ && now - complained_ < kRemind)) return;
  for (const auto& line : trouble) runtime::log_warning("keys: " + line);
  trouble_ = std::move(trouble);
  complained_ = now;
}

void AuthActor::take(const EnrolRequest& request) {
  try {
    const auto enrolment = ring_.enrol(request.key, request.wanted, request.secret, request.address,
                                       utc_seconds(), Clock::now());
    if (enrolment.name.empty()) {
      events_.post(EnrolRefused{request.peer, request.key, enrolment.reason});
      return;
    }
    events_.post(ring_.known());
    events_.post(
        Enrolled{request.peer, request.key, enrolment.name, enrolment.rights, enrolment.fresh});
  } catch (const keys::KeyError& error) {
    events_.post(EnrolRefused{request.peer, request.key,
                              std::string("the broker cannot write its keys: ") + error.what()});
  }
}

}  // namespace quern::broker
