// The part `links` of SUBMIT: golden bytes, and what is refused.
#include "wire/task_graph.hpp"

#include <gtest/gtest.h>

#include <random>

namespace quern::wire {
namespace {

TaskGraph small() {
  TaskGraph graph;
  graph.offsets = {0, 1, 3};
  graph.sources = {TaskGraph::kValues, TaskGraph::kSelf, TaskGraph::kEdges};
  graph.indices = {0, 0, 7};
  graph.value_sizes = {2};
  graph.values = Buffer::copy("hi");
  return graph;
}

std::string refusal(const TaskGraph& graph, std::size_t edges = 1) {
  auto decoded = decode_task_graph(encode(graph), edges);
  const auto* text = std::get_if<std::string>(&decoded);
  return text ? *text : "";
}

TEST(TaskGraph, its_bytes_do_not_change) {
  const Buffer bytes = encode(small());
  std::string hex;
  for (const char c : bytes.view()) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", static_cast<unsigned char>(c));
    hex += two;
  }
  EXPECT_EQ(hex,
            "02000000030000000100000001000000"  // tasks, links, values, flags
            "000000000100000003000000"          // offsets
            "000000000000000007000000"          // indices
            "02000000"                          // sizes of values
            "010000000200"                      // sources
            "6869");                            // values
}

TEST(TaskGraph, is_read_as_it_was_written) {
  auto decoded = decode_task_graph(encode(small()), 1);
  ASSERT_TRUE(std::holds_alternative<TaskGraph>(decoded)) << std::get<std::string>(decoded);
  EXPECT_EQ(std::get<TaskGraph>(decoded), small());
  TaskGraph none;
  EXPECT_EQ(std::get<TaskGraph>(decode_task_graph(encode(none), 0)), none);
}

TEST(TaskGraph, a_cycle_is_refused) {
  TaskGraph graph = small();
  graph.indices[1] = 1;
  EXPECT_NE(refusal(graph).find("not an earlier one"), std::string::npos);
}

TEST(TaskGraph, links_to_what_does_not_exist_are_refused) {
  TaskGraph graph = small();
  graph.indices[0] = 1;
  EXPECT_NE(refusal(graph).find("value 1"), std::string::npos);
  EXPECT_NE(refusal(small(), 0).find("not among the edges"), std::string::npos);
}

TEST(TaskGraph, broken_columns_are_refused) {
  TaskGraph graph = small();
  graph.offsets = {0, 2, 1};
  EXPECT_NE(refusal(graph), "");
  graph = small();
  graph.offsets = {0, 1, 2};
  EXPECT_NE(refusal(graph), "");
  graph = small();
  graph.value_sizes = {3};
  EXPECT_NE(refusal(graph), "");
}

TEST(TaskGraph, no_bytes_are_too_strange) {
  std::mt19937 random(7);
  const Bytes good(encode(small()).view());
  for (int i = 0; i < 20'000; ++i) {
    Bytes bytes = good.substr(0, random() % (good.size() + 1));
    for (int k = 0; k < 3 && !bytes.empty(); ++k)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    (void)decode_task_graph(Buffer::copy(bytes), random() % 3);  // no crash, no sanitizer report
  }
}

}  // namespace
}  // namespace quern::wire
