// What POST /v1/jobs asks for, as the SDK takes it. Pure.
#pragma once

#include <string>

#include "gateway/api/fields.hpp"
#include "gateway/http/message.hpp"
#include "quern/input.hpp"
#include "quern/options.hpp"

namespace quern::gateway {

struct Submission {
  std::string function;
  Input input;
  SubmitOptions options;
};

/// The submission in a JSON body. Throws BadRequest.
Submission submission_of(const Request& request);
/// The same in a part of a body. Throws BadRequest.
Submission submission_in(const Json& job, const Request& request);
/// The same without input, from the parameters of the target: the body has the items. Throws
/// BadRequest.
Submission streamed_submission_of(const Request& request);
/// The field "encoding": how the function reads the items. Throws BadRequest.
Encoding encoding_in(Fields& fields);
/// The field "items". Throws BadRequest.
std::vector<Bytes> items_in(Fields& fields, Encoding encoding);
/// Parameters of a target as a JSON object: numbers, true and false are taken as such.
Json json_of_parameters(const Target& target);
/// A JSON value as an input or a result: the text of a string, the bytes of {"base64": "..."}, and
/// any other value as JSON, or as a value. Throws BadRequest.
Bytes bytes_of(const Json& value, Encoding encoding);
/// A line of such a body as an item: the text of a string, the bytes of {"base64": "..."}, and any
/// other value as JSON. Throws BadRequest.
Bytes item_of(std::string_view line, Encoding encoding);

}  // namespace quern::gateway
