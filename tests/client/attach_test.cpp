// Jobs that cannot be followed: one documented exception, whatever the reason.
#include "client/client_fixture.hpp"

namespace quern::client {
namespace {

/// The code of the JobError that `call` throws; none when it throws nothing.
template <typename F>
ErrorCode job_error_of(F call) {
  try {
    call();
  } catch (const JobError& error) {
    return error.code();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "not a JobError: " << error.what();
  }
  return ErrorCode::none;
}

TEST_F(ClientTest, attaching_to_a_job_that_cannot_be_followed_throws_a_job_error) {
  for (const auto code : {ErrorCode::unknown_job, ErrorCode::expired, ErrorCode::denied,
                          ErrorCode::limit, ErrorCode::store}) {
    broker.run([&] { broker.attach_error = code; });
    EXPECT_EQ(job_error_of([&] { client.attach(JobNumber{99}).number(); }), code);
    EXPECT_EQ(job_error_of([&] { client.attach(JobNumber{99}).next(); }), code);
    EXPECT_EQ(job_error_of([&] { client.attach(Uuid::random()).get_all(); }), code);
    EXPECT_EQ(client.attach(JobNumber{99}).wait().code, code);
  }
}

}  // namespace
}  // namespace quern::client
