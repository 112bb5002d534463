// JSON bodies as submissions.
#include "gateway/api/submission.hpp"

#include <gtest/gtest.h>

#include "quern/value.hpp"

namespace quern::gateway {
namespace {

Request with_body(std::string body, const char* key = "") {
  Request request;
  request.body = std::move(body);
  if (*key) request.fields["idempotency-key"] = key;
  return request;
}

std::string why(const std::string& body) {
  try {
    submission_of(with_body(body));
  } catch (const BadRequest& bad) {
    return Json::parse(bad.answer.body)["detail"];
  }
  return "";
}

std::vector<Bytes> items_of(const Submission& submission) {
  std::vector<Bytes> all;
  auto items = std::get<Items>(submission.input);
  for (Bytes one; items.next(one);) all.push_back(one);
  return all;
}

TEST(Submission, every_kind_of_input_is_taken) {
  const auto range = submission_of(with_body(R"({"function":"f","range":[-3,7]})"));
  EXPECT_EQ(std::get<Range>(range.input), (Range{-3, 7}));
  const auto whole = submission_of(with_body(R"({"function":"f","input":"x\n"})"));
  EXPECT_EQ(std::get<Whole>(whole.input).bytes, "x\n");
  const auto items =
      submission_of(with_body(R"({"function":"f","items":["a",1,null,{"base64":"/w=="}]})"));
  EXPECT_EQ(items_of(items), (std::vector<Bytes>{"a", "1", "null", "\xff"}));
  const auto values =
      submission_of(with_body(R"({"function":"f","encoding":"value","items":["a"]})"));
  EXPECT_EQ(items_of(values), std::vector<Bytes>{*value_from_json("\"a\"")});
}

TEST(Submission, options_are_taken_and_the_job_is_detached) {
  const auto job = submission_of(
      with_body(R"({"function":"f","input":1,"name":"n","priority":-2,"weight":0.5,"attempts":7,)"
                R"("timeout_s":1.5,"durability":"memory","reduce":"sum","cost":2,"common":"c",)"
                R"("require":{"os":"linux"},"resources":{"gpu":1},"idempotent":true,"ttl_s":60,)"
                R"("deadline_s":1.5,"metadata":{"experiment":"7"},"nested":true})",
                "key"));
  const SubmitOptions& options = job.options;
  EXPECT_EQ(options.name, "n");
  EXPECT_EQ(options.priority, -2);
  EXPECT_EQ(options.weight, 0.5);
  EXPECT_EQ(options.attempts, 7u);
  EXPECT_EQ(options.timeout.count(), 1500);
  EXPECT_EQ(options.durability, Durability::memory);
  EXPECT_EQ(options.reduce, "sum");
  EXPECT_EQ(options.cost, 2);
  EXPECT_EQ(options.common, "c");
  EXPECT_EQ(options.require.at("os"), "linux");
  EXPECT_EQ(options.resources.at("gpu"), 1);
  EXPECT_TRUE(options.idempotent);
  EXPECT_EQ(options.ttl.count(), 60);
  EXPECT_EQ(options.deadline.count(), 1500);
  EXPECT_TRUE(options.nested);
  EXPECT_EQ(options.metadata.at("experiment"), "7");
  EXPECT_EQ(options.unique, "key");
  EXPECT_TRUE(options.detach);
}

TEST(Submission, mistakes_name_the_field) {
  const std::pair<const char*, const char*> cases[] = {
      {"{", "not JSON"},
      {"[]", "object"},
      {R"({"input":1})", "function"},
      {R"({"function":""})", "function"},
      {R"({"function":"f"})", "exactly one"},
      {R"({"function":"f","input":1,"range":[1,2]})", "exactly one"},
      {R"({"function":"f","range":[2,1]})", "range"},
      {R"({"function":"f","range":[1]})", "range"},
      {R"({"function":"f","range":["1",2]})", "range"},
      {R"({"function":"f","items":"x"})", "items"},
      {R"({"function":"f","input":1,"encoding":"x"})", "encoding"},
      {R"({"function":"f","input":1,"attempts":0})", "\"attempts\" must be an integer from 1"},
      {R"({"function":"f","input":1,"attempts":18446744073709551615})", "attempts"},
      {R"({"function":"f","input":1,"weight":-1})", "weight"},
      {R"({"function":"f","input":1,"idempotent":1})", "true or false"},
      {R"({"function":"f","input":1,"require":{"a":1}})", "require"},
      {R"({"function":"f","input":1,"naem":"x"})", "\"naem\""},
      {R"({"function":"f","input":NaN})", "not JSON"}};
  for (const auto& [body, part] : cases)
    EXPECT_NE(why(body).find(part), std::string::npos) << body << ": " << why(body);
}

TEST(Submission, deep_json_is_refused) {
  EXPECT_NE(why(std::string(100'000, '[')).find("nested"), std::string::npos);
  EXPECT_EQ(
      why(R"({"function":"f","input":"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["})"),
      "");
}

TEST(Submission, options_of_a_stream_come_from_the_target) {
  Request request;
  request.target = *target_of("/v1/jobs?function=echo&name=12&priority=3&idempotent=true");
  const auto job = streamed_submission_of(request);
  EXPECT_EQ(job.function, "echo");
  EXPECT_EQ(job.options.name, "12");
  EXPECT_EQ(job.options.priority, 3);
  EXPECT_TRUE(job.options.idempotent);
  request.target = *target_of("/v1/jobs?function=echo&items=1");
  EXPECT_THROW(streamed_submission_of(request), BadRequest);
}

TEST(Exact, integers_that_javascript_rounds_become_strings) {
  Json value = Json::parse(
      "[9007199254740992, 9007199254740993, -9007199254740993, 1.5, {\"a\": "
      "18446744073709551615}]");
  make_exact(value);
  EXPECT_EQ(value.dump(), R"([9007199254740992,"9007199254740993","-9007199254740993",1.5,)"
                          R"({"a":"18446744073709551615"}])");
}

TEST(Submission, a_form_that_nobody_could_fill_in_is_refused) {
  const auto with_form = [](const std::string& schema) {
    return why(R"({"function":"f","items":["a"],"people":{"schema":)" + schema + "}}");
  };
  for (const char* usable :
       {"{}", "null", R"({"enum":["a","b"]})", R"({"type":["string","null"],"maxLength":3})",
        R"({"oneOf":[{"const":1,"title":"one"}]})", R"({"type":"array","items":{"enum":[1]}})",
        R"({"properties":{"a":{"type":"integer","minimum":1,"maximum":1}},"required":["a"]})",
        R"({"type":"string","format":"box","x-anything":[1]})"})
    EXPECT_EQ(with_form(usable), "") << usable;
  const std::pair<const char*, const char*> cases[] = {
      {R"("text")", "must be a JSON Schema"},
      {R"({"enum":[]})", "\"schema.enum\""},
      {R"({"enum":"yes"})", "\"schema.enum\""},
      {R"({"type":"text"})", "\"schema.type\""},
      {R"({"type":[]})", "\"schema.type\""},
      {R"({"oneOf":[]})", "\"schema.oneOf\""},
      {R"({"minimum":2,"maximum":1})", "no answer fits"},
      {R"({"minLength":"long"})", "must be a number"},
      {R"({"pattern":5})", "\"schema.pattern\""},
      {R"({"properties":["a"]})", "\"schema.properties\""},
      {R"({"properties":{"a":5}})", "\"schema.properties.a\""},
      {R"({"properties":{"a":{"enum":[]}}})", "\"schema.properties.a.enum\""},
      {R"({"properties":{"a":{}},"required":["b"]})", "not in \"properties\": b"},
      {R"({"required":[1]})", "\"schema.required\""},
      {R"({"items":[]})", "\"schema.items\""},
      {R"({"items":{"items":{"items":{"items":{"items":{"items":{"items":{"items":{"items":{}}}}}}}}}})",
       "nested too deeply"},
  };
  for (const auto& [schema, part] : cases)
    EXPECT_NE(with_form(schema).find(part), std::string::npos)
        << schema << ": " << with_form(schema);
}

}  // namespace
}  // namespace quern::gateway
