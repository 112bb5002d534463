// A file as a blob: its name, and its bytes as the items of a job (wire/blob.hpp).
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

/// Its chunks. The source fails if the file cannot be read, or no longer matches `name`; the reason
/// is stored in `trouble`. `sent` (may be empty) is called with the number of bytes taken so far.
Items chunks_of(const std::string& file, const std::string& name,
                const std::function<void(std::uint64_t)>& sent,
                const std::shared_ptr<std::exception_ptr>& trouble);

}  // namespace quern::client
