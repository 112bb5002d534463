// Two spellings of one endpoint.
#pragma once

#include <string>

namespace quern::keys {

/// Whether both lead to the same port of the same host: tcp://hb:7600 and tcp://10.0.0.5:7600,
/// where hb has that address. Names are looked up.
bool same_place(const std::string& endpoint, const std::string& other);

}  // namespace quern::keys
