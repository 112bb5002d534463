// The files of the page as bytes. embed.py writes the definition when the project is built.
#pragma once

#include <cstddef>
#include <string_view>

namespace quern::gateway {

struct PageFile {
  std::string_view name;  ///< "index.html", or below assets/ with a hash of the content
  std::string_view type;
  std::string_view tag;     ///< of the content, for ETag
  std::string_view plain;   ///< the bytes
  std::string_view zipped;  ///< the same with gzip
};

struct PageFiles {
  const PageFile* first;
  std::size_t count;
  const PageFile* begin() const { return first; }
  const PageFile* end() const { return first + count; }
};

PageFiles page_files();

}  // namespace quern::gateway
