// `quern fetch`: a file that the broker keeps, to standard output or to a file.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "cli/commands/command.hpp"
#include "cli/output/console.hpp"
#include "cli/output/output.hpp"
#include "cli/syntax/options.hpp"
#include "notation/hex.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

constexpr Manual kFetchManual = {
    "quern fetch HASH [-o FILE]",
    "Prints or saves a file that a client of this key has uploaded (with `quern map --put`, or "
    "over "
    "HTTP); with the role admin, a file of any key. A file is named by the BLAKE2b-256 hash of its "
    "content (`b2sum -l 256 FILE`), and what arrives is checked against it. The broker keeps a "
    "file "
    "for an hour after its last use.",
    "  quern fetch 0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8 -o data.bin\n"
    "  quern fetch $(b2sum -l 256 model.bin | cut -c 1-64) | cmp - model.bin\n"};

/// A file that gets its name when it is complete. Until then it ends in `.part`; a program that is
/// killed leaves that.
class NewFile {
 public:
  explicit NewFile(std::string path)
      : path_(std::move(path)), part_(path_ + "." + std::to_string(::getpid()) + ".part") {
    file_.open(part_, std::ios::binary | std::ios::trunc);
    if (!file_) fail(part_);
  }
  ~NewFile() {
    if (!kept_) std::remove(part_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void write(BytesView bytes) {
    if (!file_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()))) fail(part_);
  }
  void keep() {
    file_.close();
    if (!file_ || std::rename(part_.c_str(), path_.c_str()) != 0) fail(path_);
    kept_ = true;
  }

 private:
  [[noreturn]] static void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
  }

  std::string path_, part_;
  std::ofstream file_;
  bool kept_ = false;
};

}  // namespace

Syntax fetch_syntax() {
  Syntax syntax(kFetchManual);
  syntax.words(1, 1, "the hash of a file");
  syntax.add()("output,o", option<std::string>("FILE"),
               "write to this file, which gets its name when it is complete");
  return syntax;
}

Exit fetch(const Arguments& arguments) {
  const auto given = fetch_syntax().parse(arguments);
  if (!given) return Exit::done;
  const std::string name = given->words().front();
  if (name.size() != 64 || !notation::is_hex(name))
    throw UsageError("'" + name +
                     "' is not the hash of a file: give 64 lower-case hexadecimal digits (`b2sum "
                     "-l 256 FILE`)");
  Client client(given->client());
  if (given->has("output")) {
    NewFile file(given->get<std::string>("output"));
    client.fetch(name, [&](BytesView part) {
      file.write(part);
      return true;
    });
    file.keep();
    return Exit::done;
  }
  Console console;
  Output output(&console);
  const bool whole = client.fetch(name, [&](BytesView part) { return output.append(part); });
  const Output::State end = output.flush();
  if (end == Output::State::reader_gone) die_of_broken_pipe();
  if (!whole || end == Output::State::broken)
    throw std::runtime_error("cannot write to standard output: " + output.error());
  return Exit::done;
}

}  // namespace quern::cli
