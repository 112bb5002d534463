#include "chaos/world.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "chaos/command_job.hpp"

namespace quern::chaos {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kWorkers = 4, kClients = 4, kCommanders = 2;

/// A free port; the broker binds it again after each restart.
std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no port is free");
  ::close(fd);
  return ntohs(address.sin_port);
}

}  // namespace

World::World(Setting setting)
    : setting_(std::move(setting)), random_(setting_.seed), port_(free_port()) {
  ::setenv("XDG_CONFIG_HOME", setting_.folder.c_str(), 1);
  ::setenv("XDG_STATE_HOME", setting_.folder.c_str(), 1);
  ::setenv("QUERN_CHAOS_TRACE", (setting_.folder + "/trace").c_str(), 1);
  std::filesystem::create_directory(marks_folder(setting_.folder));
  proxy_ = std::make_unique<Proxy>(port_);
  start_broker();
  for (std::size_t i = 0; i < kWorkers; ++i) start_worker(i % 2 == 1);
  for (std::size_t i = 0; i < kClients; ++i) start_client(i % 2 == 1, false);
  for (std::size_t i = 0; i < kCommanders; ++i) start_client(i % 2 == 1, true);
}

void World::note(const std::string& what) {
  if (!setting_.verbose) return;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  std::fprintf(stderr, "chaos: %.3f %s\n",
               std::fmod(std::chrono::duration<double>(now).count(), 3600), what.c_str());
}

std::string World::endpoint_for(bool proxied) const {
  return "tcp://127.0.0.1:" + std::to_string(proxied ? proxy_->port() : port_);
}

std::vector<std::string> World::broker_words() const {
  std::vector<std::string> words{setting_.bin + "/quern-broker", "--bind", endpoint_for(false)};
  if (setting_.durable)
    words.insert(words.end(), {"--store", setting_.folder + "/store"});
  else
    words.push_back("--no-store");
  words.push_back("--grace");
  words.push_back("5");
  return words;
}

void World::start_broker() {
  broker_ = {};
  broker_.process = Process(broker_words(), setting_.folder + "/broker.log");
  broker_back_ = {};
}

void World::start_worker(bool proxied) {
  Member member;
  member.proxied = proxied;
  const std::string name = "w" + std::to_string(++last_worker_);
  member.process = Process({setting_.bin + "/quern-worker", "--broker", endpoint_for(proxied),
                            "--name", name, "--slots", std::to_string(6 + below(3)), "--cpu-share",
                            below(2) ? "0.5" : "1", "--load", setting_.plugin, "--allow-exec"},
                           setting_.folder + "/" + name + ".log");
  if (proxied) disturbed_.insert(member.process.pid());
  worker_names_[member.process.pid()] = name;
  workers_.push_back(std::move(member));
}

void World::start_client(bool proxied, bool commands) {
  Member member;
  member.commands = commands;
  member.proxied = proxied;
  member.seed = setting_.seed * 10'000 + ++last_client_;
  member.process =
      Process({"/proc/self/exe", commands ? "--commander" : "--client", std::to_string(member.seed),
               "--broker", endpoint_for(proxied), "--folder", setting_.folder, "--store",
               setting_.durable ? "durable" : "none"},
              setting_.folder + "/c" + std::to_string(last_client_) + ".log");
  clients_.push_back(std::move(member));
}

enum class World::Mishap : std::uint8_t {
  broker_killed,
  broker_stopped,
  worker_killed,
  worker_ended,
  worker_stopped,
  worker_stopped_long,
  client_killed,
  client_stopped,
  proxy
};

World::Mishap World::draw() {
  if (deck_.empty()) {
    using enum Mishap;
    deck_ = {broker_killed,  broker_killed, broker_stopped, worker_killed,       worker_killed,
             worker_killed,  worker_ended,  worker_stopped, worker_stopped_long, client_killed,
             client_stopped, proxy,         proxy};
    std::shuffle(deck_.begin(), deck_.end(), random_);
  }
  const Mishap drawn = deck_.back();
  deck_.pop_back();
  return drawn;
}

void World::stop_worker(std::chrono::milliseconds time) {
  Member& worker = workers_[below(workers_.size())];
  if (worker.resume != Clock::time_point{}) return;
  disturbed_.insert(worker.process.pid());
  worker.process.signal(SIGSTOP);
  worker.resume = Clock::now() + time;
  ++kills_["worker_stopped"];
  note("worker stopped for a while: process " + std::to_string(worker.process.pid()));
}

void World::inflict(Fault fault) {
  static const char* kNames[] = {"proxy_reset", "proxy_silent", "proxy_slow", "proxy_truncated"};
  proxy_->inflict(fault, std::chrono::milliseconds(1 + below(4000)));
  ++kills_[kNames[static_cast<int>(fault)]];
  note(kNames[static_cast<int>(fault)]);
}

void World::disturb() {
  const auto now = Clock::now();
  switch (draw()) {
    case Mishap::broker_killed:
      if (!setting_.durable || broker_back_ != Clock::time_point{}) return;
      broker_.process.kill();
      broker_back_ = now + std::chrono::milliseconds(below(2000));
      ++kills_["broker_killed"];
      return note("broker killed");
    case Mishap::broker_stopped:
      if (broker_back_ != Clock::time_point{} || broker_.resume != Clock::time_point{}) return;
      broker_.process.signal(SIGSTOP);
      broker_.resume = now + std::chrono::milliseconds(below(1500));
      ++kills_["broker_stopped"];
      return note("broker stopped for a while");
    case Mishap::worker_killed: {
      Member& worker = workers_[below(workers_.size())];
      disturbed_.insert(worker.process.pid());
      worker.doomed = true;
      worker.process.signal(SIGKILL);
      ++kills_["worker_killed"];
      return note("worker killed: process " + std::to_string(worker.process.pid()));
    }
    case Mishap::worker_ended: {
      Member& worker = workers_[below(workers_.size())];
      disturbed_.insert(worker.process.pid());
      worker.doomed = true;
      worker.process.signal(SIGTERM);
      ++kills_["worker_ended"];
      return note("worker told to leave: process " + std::to_string(worker.process.pid()));
    }
    case Mishap::worker_stopped:
      return stop_worker(std::chrono::milliseconds(500 + below(2300)));
    case Mishap::worker_stopped_long:  // the broker considers it lost after 3 s of silence
      return stop_worker(std::chrono::milliseconds(4000 + below(4000)));
    case Mishap::client_killed: {
      Member& client = clients_[below(clients_.size())];
      killed_clients_.insert(client.seed);
      client.doomed = true;
      client.process.signal(SIGKILL);
      ++kills_["client_killed"];
      return note("a client killed");
    }
    case Mishap::client_stopped: {
      Member& client = clients_[below(clients_.size())];
      if (client.resume != Clock::time_point{}) return;
      client.process.signal(SIGSTOP);
      client.resume = now + std::chrono::milliseconds(below(3000));
      ++kills_["client_stopped"];
      return note("a client stopped for a while");
    }
    case Mishap::proxy:
      return inflict(static_cast<Fault>(below(4)));
  }
}

void World::tend() {
  const auto now = Clock::now();
  const auto wake = [&](Member& member) {
    if (member.resume == Clock::time_point{} || now < member.resume) return;
    member.process.signal(SIGCONT);
    member.resume = {};
  };
  wake(broker_);
  if (broker_back_ != Clock::time_point{}) {
    if (now >= broker_back_) start_broker();
  } else if (const auto code = broker_.process.ended()) {
    complaints_.push_back("the broker ended by itself with " + std::to_string(*code));
    start_broker();
  }
  const auto replace = [&](std::vector<Member>& members, const char* what, auto start) {
    for (std::size_t i = 0; i < members.size();) {
      wake(members[i]);
      const auto code = members[i].process.ended();
      if (!code) {
        ++i;
        continue;
      }
      const bool proxied = members[i].proxied, commands = members[i].commands;
      const bool expected = members[i].doomed || (ending_ && *code == 0);
      if (!expected)
        complaints_.push_back(std::string(what) + " ended by itself with " + std::to_string(*code));
      members.erase(members.begin() + static_cast<std::ptrdiff_t>(i));
      start(proxied, commands);
    }
  };
  replace(workers_, "a worker", [&](bool proxied, bool) { start_worker(proxied); });
  replace(clients_, "a client", [&](bool proxied, bool commands) {
    if (!ending_) start_client(proxied, commands);
  });
}

void World::heal() {
  proxy_->heal();
  if (broker_back_ != Clock::time_point{}) start_broker();
  for (auto* members : {&workers_, &clients_})
    for (Member& member : *members) {
      if (member.resume != Clock::time_point{}) member.process.signal(SIGCONT);
      member.resume = {};
    }
  broker_.process.signal(SIGCONT);
  broker_.resume = {};
}

void World::let_clients_end() {
  ending_ = true;
  std::ofstream(setting_.folder + "/stop") << "now\n";
}

bool World::clients_ended() {
  tend();
  return clients_.empty();
}

std::set<pid_t> World::steady_workers() const {
  std::string log;
  std::getline(std::ifstream(setting_.folder + "/broker.log"), log, '\0');
  std::set<pid_t> steady;
  for (const auto& [pid, name] : worker_names_)
    if (!disturbed_.contains(pid) && log.find("worker " + name + " is lost") == std::string::npos)
      steady.insert(pid);
  return steady;
}

bool World::collect(const std::string& jobs, std::chrono::steady_clock::time_point until) {
  Process collector({"/proc/self/exe", "--collect", jobs, "--broker", endpoint_for(false),
                     "--folder", setting_.folder},
                    setting_.folder + "/collector.log");
  while (Clock::now() < until) {
    tend();
    if (const auto code = collector.ended()) return *code == 0;
    std::this_thread::sleep_for(20ms);
  }
  return false;
}

void World::stop() {
  for (Member& worker : workers_) worker.process.signal(SIGTERM);
  broker_.process.signal(SIGTERM);
  const auto until = Clock::now() + 10s;
  const auto wait = [&](Process& process, const char* what) {
    while (!process.ended() && Clock::now() < until) std::this_thread::sleep_for(10ms);
    const auto code = process.ended();
    if (!code)
      complaints_.push_back(std::string(what) + " did not end when told to");
    else if (*code != 0)
      complaints_.push_back(std::string(what) + " ended with " + std::to_string(*code));
  };
  for (Member& worker : workers_)
    if (!worker.doomed) wait(worker.process, "a worker");
  wait(broker_.process, "the broker");
}

}  // namespace quern::chaos
