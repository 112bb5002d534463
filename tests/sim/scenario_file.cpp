#include "sim/scenario_file.hpp"

#include <fstream>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "sim/fleet.hpp"

namespace quern::sim {
namespace {

using What = ScenarioChange::What;
using nlohmann::json;

constexpr std::size_t kMachinesMost = 100'000, kJobsMost = 100'000;
constexpr std::uint64_t kSlotsMost = 1000, kTasksMost = 1'000'000'000'000;
constexpr double kNumberMost = 1e12;

/// A value with its place in the file, for error messages.
class Node {
 public:
  Node(const json& value, std::string place) : value_(&value), place_(std::move(place)) {}

  [[noreturn]] void fail(const std::string& expected) const {
    std::string is = value_->dump(-1, ' ', true, json::error_handler_t::replace);
    if (is.size() > 40) is = is.substr(0, 40) + "...";
    throw std::runtime_error((place_.empty() ? "the whole" : place_) + ": " + expected +
                             " is expected, not " + is);
  }

  void has_only(std::initializer_list<const char*> keys) const {
    if (!value_->is_object()) fail("an object");
    for (const auto& [key, value] : value_->items()) {
      bool known = false;
      std::string all;
      for (const char* name : keys) {
        known = known || key == name;
        all += (all.empty() ? "" : ", ") + std::string(name);
      }
      if (!known)
        throw std::runtime_error(place_of(key) + ": there is no such key; there are " + all);
    }
  }

  std::optional<Node> child(const char* key) const {
    const auto it = value_->find(key);
    return it == value_->end() ? std::nullopt : std::optional(Node(*it, place_of(key)));
  }
  Node needed(const char* key, const std::string& expected) const {
    if (auto found = child(key)) return *found;
    throw std::runtime_error(place_of(key) + ": is missing; " + expected + " is expected");
  }

  std::vector<Node> list(const std::string& expected, std::size_t least = 0) const {
    if (!value_->is_array() || value_->size() < least) fail(expected);
    std::vector<Node> nodes;
    for (std::size_t i = 0; i < value_->size(); ++i)
      nodes.emplace_back((*value_)[i], place_ + "[" + std::to_string(i) + "]");
    return nodes;
  }
  std::vector<std::pair<std::string, Node>> entries(const std::string& expected) const {
    if (!value_->is_object() || value_->empty()) fail(expected);
    std::vector<std::pair<std::string, Node>> nodes;
    for (const auto& [key, value] : value_->items())
      nodes.emplace_back(key, Node(value, place_of(key)));
    return nodes;
  }

  double above_zero(const std::string& what) const {
    if (!value_->is_number() || !(value_->get<double>() > 0) || value_->get<double>() > kNumberMost)
      fail(what + " above 0");
    return value_->get<double>();
  }
  double not_below_zero(const std::string& what) const {
    if (!value_->is_number() || !(value_->get<double>() >= 0) ||
        value_->get<double>() > kNumberMost)
      fail(what + ", 0 or above,");
    return value_->get<double>();
  }
  std::uint64_t whole(std::uint64_t least, std::uint64_t most) const {
    const std::string expected =
        "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
    if (!value_->is_number_unsigned()) fail(expected);
    const auto number = value_->get<std::uint64_t>();
    if (number < least || number > most) fail(expected);
    return number;
  }
  bool yes_or_no() const {
    if (!value_->is_boolean()) fail("true or false");
    return value_->get<bool>();
  }
  std::string word(const std::string& expected) const {
    if (!value_->is_string() || value_->get_ref<const std::string&>().empty()) fail(expected);
    return value_->get<std::string>();
  }

 private:
  std::string place_of(const std::string& key) const {
    return place_.empty() ? key : place_ + "." + key;
  }

  const json* value_;
  std::string place_;
};

void read_machine(const Node& node, Scenario& scenario) {
  node.has_only({"slots", "rates", "count"});
  ScenarioMachine machine;
  if (const auto slots = node.child("slots"))
    machine.slots = static_cast<std::uint32_t>(slots->whole(1, kSlotsMost));
  const std::string expected = "an object of function names and rates, as {\"f\": 100},";
  for (const auto& [function, rate] : node.needed("rates", expected).entries(expected))
    machine.rates[function] = rate.above_zero("a number of tasks a second");
  const auto count = node.child("count");
  scenario.machines.insert(scenario.machines.end(), count ? count->whole(1, kMachinesMost) : 1,
                           machine);
  if (scenario.machines.size() > kMachinesMost)
    node.fail("no more than " + std::to_string(kMachinesMost) + " machines in all");
}

ScenarioJob job_of(const Node& node) {
  node.has_only({"function", "takes", "tasks", "at", "sizes"});
  ScenarioJob job;
  job.function = node.needed("function", "the name of a function").word("the name of a function");
  if (const auto takes = node.child("takes")) {
    const std::string word = takes->word("\"item\" or \"range\"");
    if (word != "item" && word != "range") takes->fail("\"item\" or \"range\"");
    job.takes = word == "range" ? Takes::range : Takes::item;
  }
  if (const auto at = node.child("at")) job.at_s = at->not_below_zero("a time in seconds");
  const auto sizes = node.child("sizes");
  if (sizes)
    for (const auto& size : sizes->list("a list of numbers, one a task,", 1))
      job.sizes.push_back(size.above_zero("a size"));
  const auto tasks =
      sizes ? node.child("tasks") : node.needed("tasks", "a whole number, or `sizes`,");
  job.tasks = tasks ? tasks->whole(1, kTasksMost) : job.sizes.size();
  if (sizes && job.sizes.size() != job.tasks)
    sizes->fail("a list of " + std::to_string(job.tasks) + " numbers, as many as `tasks`,");
  return job;
}

ScenarioChange change_of(const Node& node, std::size_t machines) {
  node.has_only({"what", "at", "machine", "value"});
  const Node what = node.needed("what", "\"speed\", \"freeze\" or \"vanish\"");
  const std::string word = what.word("\"speed\", \"freeze\" or \"vanish\"");
  ScenarioChange change;
  if (word == "speed")
    change.what = What::speed;
  else if (word == "freeze")
    change.what = What::freeze;
  else if (word == "vanish")
    change.what = What::vanish;
  else
    what.fail("\"speed\", \"freeze\" or \"vanish\"");
  change.at_s = node.needed("at", "a time in seconds").not_below_zero("a time in seconds");
  change.machine =
      node.needed("machine", "the number of a machine, counted from 0,").whole(0, machines - 1);
  if (change.what == What::speed)
    change.value =
        node.needed("value", "a share of the full speed").above_zero("a share of the full speed");
  if (change.what == What::freeze)
    change.value = node.needed("value", "a number of seconds").above_zero("a number of seconds");
  if (change.what == What::vanish && node.child("value"))
    node.child("value")->fail("nothing, because the machine vanishes for good,");
  return change;
}

void check_jobs(const Scenario& scenario) {
  std::map<std::string, Takes> takes;
  for (std::size_t i = 0; i < scenario.jobs.size(); ++i) {
    const auto& job = scenario.jobs[i];
    const std::string place = "jobs[" + std::to_string(i) + "]";
    bool offered = false;
    for (const auto& machine : scenario.machines)
      offered = offered || machine.rates.contains(job.function);
    if (!offered)
      throw std::runtime_error(
          place + ".function: a function that some machine has a rate for is expected, not \"" +
          job.function + "\"");
    if (takes.try_emplace(job.function, job.takes).first->second != job.takes)
      throw std::runtime_error(place + ".takes: the same as in the earlier job of \"" +
                               job.function + "\" is expected");
  }
}

}  // namespace

Scenario scenario_of_json(const std::string& text) {
  json parsed;
  try {
    parsed = json::parse(text);
  } catch (const json::parse_error& error) {
    const std::string what = error.what();
    const auto begin = what.find("] ");
    throw std::runtime_error("is not JSON: " +
                             (begin == std::string::npos ? what : what.substr(begin + 2)));
  }
  const Node top(parsed, "");
  top.has_only({"name", "declared", "machines", "jobs", "changes", "ideal"});
  Scenario scenario;
  if (const auto name = top.child("name")) scenario.name = name->word("a name");
  if (const auto declared = top.child("declared")) scenario.declared = declared->yes_or_no();
  for (const auto& machine :
       top.needed("machines", "a list of machines").list("a list of at least one machine", 1))
    read_machine(machine, scenario);
  const Node jobs = top.needed("jobs", "a list of jobs");
  for (const auto& job : jobs.list("a list of at least one job", 1))
    scenario.jobs.push_back(job_of(job));
  if (scenario.jobs.size() > kJobsMost)
    throw std::runtime_error("jobs: no more than " + std::to_string(kJobsMost) + " are expected");
  if (const auto changes = top.child("changes"))
    for (const auto& change : changes->list("a list of changes"))
      scenario.changes.push_back(change_of(change, scenario.machines.size()));
  check_jobs(scenario);
  const double bound = lower_bound_s(scenario);
  if (!(bound < kNever))
    throw std::runtime_error("changes: machines that stay and can end every job are expected");
  const auto ideal = top.child("ideal");
  scenario.ideal_s = ideal ? ideal->above_zero("a time in seconds") : bound;
  return scenario;
}

Scenario scenario_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) throw std::runtime_error(path + ": cannot be read");
  try {
    Scenario scenario = scenario_of_json(text.str());
    if (scenario.name.empty()) scenario.name = path;
    return scenario;
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
}

bool is_scenario_file(const std::string& name) {
  return name.find('/') != std::string::npos || name.ends_with(".json");
}

}  // namespace quern::sim
