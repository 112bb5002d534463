// How requests are taken apart, screened and routed; without sockets.
#include <gtest/gtest.h>

#include "gateway/http/routes.hpp"
#include "gateway/http/screening.hpp"
#include "gateway/http/target.hpp"

namespace quern::gateway {
namespace {

TEST(Target, a_path_and_its_parameters_are_decoded) {
  const auto target = target_of("/v1/jobs/12?wait=60&name=a%20b+c&empty=&flag");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->segments, (std::vector<std::string>{"v1", "jobs", "12"}));
  EXPECT_EQ(target->parameter("wait"), "60");
  EXPECT_EQ(target->parameter("name"), "a b c");
  EXPECT_EQ(target->parameter("empty"), "");
  EXPECT_EQ(target->parameter("flag"), "");
  EXPECT_EQ(target->parameter("none"), std::nullopt);
  EXPECT_EQ(target_of("/a%2Fb+c")->segments, (std::vector<std::string>{"a/b+c"}));
  EXPECT_TRUE(target_of("/")->segments.empty());
}

TEST(Target, anything_else_is_refused) {
  for (const char* text : {"", "v1", "*", "http://x/", "/%", "/%4", "/%zz", "/%00", "/a/../b", "/.",
                           "/%2e%2e/x", "/a#b", "/?a=%", "/?%zz=1"})
    EXPECT_FALSE(target_of(text)) << text;
}

TEST(HostName, the_port_and_the_case_do_not_count) {
  EXPECT_EQ(host_name("LocalHost:7680"), "localhost");
  EXPECT_EQ(host_name("[::1]:80"), "[::1]");
  EXPECT_EQ(host_name("[::1]"), "[::1]");
  for (const char* text : {"[::1", "a:b", "a:", "a:1234567", "[::1]x"})
    EXPECT_EQ(host_name(text), "") << text;
}

class ScreeningTest : public ::testing::Test {
 protected:
  unsigned status(std::vector<std::pair<std::string, std::string>> fields,
                  const std::string& method = "GET", unsigned version = 11) const {
    const auto refused = refusal_of({version, method, "/", std::move(fields)}, names_);
    return refused ? refused->status : 0;
  }

 private:
  HostNames names_ = {"localhost", "quern.lab"};
};

TEST_F(ScreeningTest, ordinary_requests_pass) {
  EXPECT_EQ(status({{"host", "localhost:7680"}}), 0u);
  EXPECT_EQ(status({{"host", "Quern.Lab"}, {"content-length", "12"}}), 0u);
  EXPECT_EQ(status({{"host", "quern.lab"}, {"transfer-encoding", "Chunked"}}), 0u);
  EXPECT_EQ(status({{"host", "quern.lab"}, {"origin", "https://quern.lab"}}), 0u);
  EXPECT_EQ(status({{"host", "quern.lab"}, {"sec-fetch-site", "same-origin"}}), 0u);
  EXPECT_EQ(status({{"host", "quern.lab"}}, "GET", 10), 0u);
}

TEST_F(ScreeningTest, a_length_that_is_ambiguous_is_refused) {
  EXPECT_EQ(status({{"host", "localhost"}, {"content-length", "1"}, {"content-length", "1"}}),
            400u);
  EXPECT_EQ(
      status({{"host", "localhost"}, {"content-length", "1"}, {"transfer-encoding", "chunked"}}),
      400u);
  for (const char* length : {"", "+1", "-1", "0x1", "1 ", "1,1", "9999999999999999999999"})
    EXPECT_EQ(status({{"host", "localhost"}, {"content-length", length}}), 400u) << length;
  for (const char* coding : {"xchunked", "chunked, chunked", "gzip", "identity", "chunked;x=1"})
    EXPECT_EQ(status({{"host", "localhost"}, {"transfer-encoding", coding}}), 501u) << coding;
  EXPECT_EQ(status({{"host", "localhost"}, {"transfer-encoding", "chunked"}}, "GET", 10), 400u);
}

TEST_F(ScreeningTest, the_host_must_be_one_of_ours_and_given_once) {
  EXPECT_EQ(status({}), 400u);
  EXPECT_EQ(status({{"host", "localhost"}, {"host", "localhost"}}), 400u);
  for (const char* host : {"", "evil.example", "localhost.evil.example", "xlocalhost", "[::1"})
    EXPECT_EQ(status({{"host", host}}), 421u) << host;
}

TEST_F(ScreeningTest, other_sites_are_refused) {
  for (const char* origin : {"https://evil.example", "null", "", "https://localhost.evil.example",
                             "localhost", "https://localhost:1"})
    EXPECT_EQ(status({{"host", "localhost"}, {"origin", origin}}), 403u) << origin;
  for (const char* site : {"cross-site", "same-site", ""})
    EXPECT_EQ(status({{"host", "localhost"}, {"sec-fetch-site", site}}), 403u) << site;
}

TEST_F(ScreeningTest, versions_and_methods_are_checked) {
  EXPECT_EQ(status({{"host", "localhost"}}, "GET", 20), 505u);
  EXPECT_EQ(status({{"host", "localhost"}}, "G T"), 400u);
  EXPECT_EQ(status({{"host", "localhost"}}, ""), 400u);
}

TEST(Routes, the_path_and_the_method_choose_the_route) {
  Routes routes;
  for (const auto& [method, path] : {std::pair{"GET", "/v1/jobs"},
                                     {"POST", "/v1/jobs"},
                                     {"GET", "/v1/jobs/{job}"},
                                     {"POST", "/v1/jobs/{job}/cancel"}})
    routes.add(method, path, BodyForm::none, nullptr);
  const auto find = [&](const char* method, const char* path) {
    return routes.find({method, *target_of(path), {}, "", ""});
  };
  EXPECT_EQ(find("GET", "/v1/jobs/12").route->path, "/v1/jobs/{job}");
  EXPECT_EQ(find("GET", "/v1/jobs/12").variables, Variables{"12"});
  EXPECT_EQ(find("POST", "/v1/jobs/12/cancel").variables, Variables{"12"});
  EXPECT_EQ(find("POST", "/v1/jobs").route->method, "POST");
  EXPECT_FALSE(find("PUT", "/v1/jobs").route);
  EXPECT_EQ(find("PUT", "/v1/jobs").allowed, "GET, HEAD, POST");
  EXPECT_EQ(find("GET", "/v1").allowed, "");
}

}  // namespace
}  // namespace quern::gateway
