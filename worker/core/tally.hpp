// Work done per function since the worker started, from its own reports; part of BEAT.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "wire/messages.hpp"

namespace quern::worker {

class Tally {
 public:
  void add(const std::string& function, const wire::Report& report) {
    quern::FunctionRate& work = work_[function];
    work.tasks += wire::size(report.tasks);
    work.busy_us += report.busy_us;
    if (report.last) ++work.leases;
  }

  std::vector<quern::FunctionRate> list() const {
    std::vector<quern::FunctionRate> out;
    for (const auto& [function, work] : work_) {
      out.push_back(work);
      out.back().function = function;
      if (work.busy_us > 0)
        out.back().rate = static_cast<double>(work.tasks) * 1e6 / static_cast<double>(work.busy_us);
    }
    return out;
  }

 private:
  std::map<std::string, quern::FunctionRate> work_;
};

}  // namespace quern::worker
