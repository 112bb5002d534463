// Which endpoints a broker may serve.
#pragma once

#include <string>

namespace quern::broker {

/// True for ipc:// and for tcp:// on a loopback address: what may be served without encryption.
bool is_local(const std::string& endpoint);

/// True for endpoints that ZeroMQ can bind.
bool is_endpoint(const std::string& endpoint);

}  // namespace quern::broker
