// Graphs of tasks that do nothing, in the shapes that the benchmarks of tako and Dask use: what a
// node costs.
//   quern-graphs [NODES]      with a broker and workers running: QUERN_BROKER, as for quern
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>

#include "quern/client.hpp"
#include "quern/graph.hpp"

namespace {

using quern::EdgePattern;
using quern::LinksBuilder;

void run(quern::Client& client, const char* shape, const LinksBuilder& builder) {
  const auto begin = std::chrono::steady_clock::now();
  quern::SubmitOptions options;
  options.durability = quern::Durability::memory;
  const quern::Job job =
      client.submit("noop", builder.links(quern::Join::first, quern::Encoding::raw), options);
  const quern::Outcome outcome = job.wait();
  const double s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("%-16s %9u nodes  %7.3f s  %9.0f nodes/s  %s\n", shape, builder.tasks(), s,
              builder.tasks() / s, outcome.ok() ? "" : outcome.text.c_str());
  std::fflush(stdout);
}

void chain_of_jobs(quern::Client& client, std::uint32_t length) {
  quern::SubmitOptions options;
  options.durability = quern::Durability::memory;
  const auto seconds = [](auto since) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
  };
  auto begin = std::chrono::steady_clock::now();
  options.detach = true;
  for (std::uint32_t i = 0; i < length; ++i)
    client.submit("noop", quern::Items::of(std::vector<std::string>{"x"}), options).wait();
  const double alone = seconds(begin);
  begin = std::chrono::steady_clock::now();
  options.intermediate = true;
  quern::Job last = client.submit("noop", quern::Items::of(std::vector<std::string>{"x"}), options);
  for (std::uint32_t i = 1; i < length; ++i) {
    options.follow = i + 1 == length;
    last = client.submit("noop", quern::ResultsOf{last.edge()}, options);
  }
  last.wait();
  const double chained = seconds(begin);
  std::printf("%-16s %9u jobs   %7.3f s; one after the other by the client %.3f s: ratio %.2f\n",
              "chain of jobs", length, chained, alone, chained / alone);
}

void each(quern::Client& client, std::uint64_t items) {
  quern::SubmitOptions options;
  options.durability = quern::Durability::memory;
  const auto time = [&](bool two) {
    const auto begin = std::chrono::steady_clock::now();
    options.intermediate = two;
    options.detach = two;
    const quern::Job first =
        client.submit("echo",
                      quern::Items{[n = std::uint64_t{0}, items](quern::Bytes& item) mutable {
                                     item.assign(16, 'x');
                                     return n++ < items;
                                   },
                                   quern::Encoding::raw, quern::Items::Source::may_block},
                      options);
    options.intermediate = false;
    options.detach = false;
    quern::Job last = first;
    if (two) last = client.submit("echo", quern::ResultsOf{first.edge()}, options);
    std::uint64_t seen = 0;
    last.each([&](std::uint64_t, quern::BytesView) { ++seen; });
    const double s =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    std::printf("%-16s %9llu items  %7.3f s  %9.0f tasks/s\n", two ? "map, then map" : "map",
                static_cast<unsigned long long>(seen), s,
                static_cast<double>(seen) * (two ? 2 : 1) / s);
  };
  for (int i = 0; i < 3; ++i) {
    time(false);
    time(true);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto n =
      static_cast<std::uint32_t>(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1'000'000);
  quern::Client client;
  client.connect();
  {
    LinksBuilder chain;
    chain.add_value("");
    chain.end_task();
    for (std::uint32_t i = 1; i < n / 100; ++i) {
      chain.add_task(i - 1);
      chain.end_task();
    }
    run(client, "chain", chain);
  }
  {
    LinksBuilder fan;  // one, many, one, again and again
    fan.add_value("");
    fan.end_task();
    std::uint32_t root = 0;
    while (fan.tasks() < n) {
      const std::uint32_t begin = fan.tasks();
      for (int i = 0; i < 10'000; ++i) {
        fan.add_task(root);
        fan.end_task();
      }
      for (std::uint32_t i = begin; i < begin + 10'000; ++i) fan.add_task(i);
      root = fan.end_task();
    }
    run(client, "fan-out, fan-in", fan);
  }
  {
    LinksBuilder tree;  // a binary tree, the leaves first
    const std::uint32_t leaves = n / 2;
    for (std::uint32_t i = 0; i < leaves; ++i) {
      tree.add_value("");
      tree.end_task();
    }
    for (std::uint32_t at = 0; at + 1 < tree.tasks(); at += 2) {
      tree.add_task(at);
      tree.add_task(at + 1);
      tree.end_task();
    }
    run(client, "tree", tree);
  }
  {
    LinksBuilder layered;  // each node needs two random nodes of the layer before
    std::mt19937 random(1);
    constexpr std::uint32_t kWidth = 10'000;
    for (std::uint32_t i = 0; i < kWidth; ++i) {
      layered.add_value("");
      layered.end_task();
    }
    while (layered.tasks() < n) {
      const std::uint32_t begin = layered.tasks() / kWidth * kWidth - kWidth;
      for (std::uint32_t i = 0; i < kWidth; ++i) {
        layered.add_task(begin + static_cast<std::uint32_t>(random() % kWidth));
        layered.add_task(begin + static_cast<std::uint32_t>(random() % kWidth));
        layered.end_task();
      }
    }
    run(client, "random layered", layered);
  }
  chain_of_jobs(client, std::min(n / 100, 10'000u));
  each(client, n);
}
