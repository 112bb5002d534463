// A file as a blob: its name, and its octets as the items of a job (wire/blob.hpp).
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>

#include "quern/input.hpp"

namespace quern::client {

/// Reads the whole file. Throws std::system_error, naming it.
std::string blob_name_of(const std::string& file);

/// Its chunks. The source fails when the file cannot be read, or is no longer what `name` says; why
/// is left in `trouble`. `sent` (may be empty) hears how many octets were taken so far.
Items chunks_of(const std::string& file, const std::string& name,
                const std::function<void(std::uint64_t)>& sent,
                const std::shared_ptr<std::exception_ptr>& trouble);

}  // namespace quern::client
