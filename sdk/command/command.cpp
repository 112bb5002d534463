// Commands and their results as msgpack maps. Unknown keys are ignored and absent ones keep their
// default, so that a newer client and an older worker can work together.
#include "quern/command.hpp"

#include <msgpack.hpp>
#include <set>
#include <stdexcept>

namespace quern {
namespace {

using Packer = msgpack::packer<msgpack::sbuffer>;

void pack_text(Packer& packer, std::string_view text) {
  packer.pack_str(static_cast<std::uint32_t>(text.size()));
  packer.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
}

void pack_bytes(Packer& packer, std::string_view bytes) {
  packer.pack_bin(static_cast<std::uint32_t>(bytes.size()));
  packer.pack_bin_body(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
}

void pack_words(Packer& packer, const std::vector<std::string>& words) {
  packer.pack_array(static_cast<std::uint32_t>(words.size()));
  for (const auto& word : words) pack_bytes(packer, word);  // arguments are bytes, not text
}

void pack_files(Packer& packer, const std::vector<CommandFile>& files) {
  packer.pack_array(static_cast<std::uint32_t>(files.size()));
  for (const auto& file : files) {
    packer.pack_array(file.blob.empty() ? 3 : 4);
    pack_bytes(packer, file.name);
    packer.pack(file.mode);
    pack_bytes(packer, file.bytes);
    if (!file.blob.empty()) pack_text(packer, file.blob);
  }
}

/// Hands each field of a map to `take(key, value)`. Throws std::invalid_argument.
template <typename Take>
void read_map(BytesView bytes, const char* what, const Take& take) {
  try {
    const std::size_t n = bytes.size();
    const msgpack::unpack_limit limit(n, n, n, n, n, 8);
    const auto handle = msgpack::unpack(
        bytes.data(), n, [](msgpack::type::object_type, std::size_t, void*) { return true; },
        nullptr, limit);  // refers to `bytes`
    const msgpack::object& object = handle.get();
    if (object.type != msgpack::type::MAP) throw msgpack::type_error();
    for (const auto& field : object.via.map) take(field.key.as<std::string_view>(), field.val);
  } catch (const msgpack::unpack_error&) {
    throw std::invalid_argument(std::string("not ") + what);
  } catch (const msgpack::type_error&) {
    throw std::invalid_argument(std::string("not ") + what);
  }
}

std::string bytes_of(const msgpack::object& object) {
  if (object.type == msgpack::type::BIN) return {object.via.bin.ptr, object.via.bin.size};
  return object.as<std::string>();
}

/// Strings that are passed to a program end at a NUL, so they cannot contain one.
std::string text_in(const msgpack::object& object) {
  std::string text = bytes_of(object);
  if (text.find('\0') != std::string::npos)
    throw std::invalid_argument("a word, variable or folder contains a NUL character");
  return text;
}

std::vector<std::string> texts_in(const msgpack::object& object) {
  if (object.type != msgpack::type::ARRAY) throw msgpack::type_error();
  std::vector<std::string> words;
  for (const auto& word : object.via.array) words.push_back(text_in(word));
  return words;
}

std::vector<std::string> words_of(const msgpack::object& object) {
  if (object.type != msgpack::type::ARRAY) throw msgpack::type_error();
  std::vector<std::string> words;
  for (const auto& word : object.via.array) words.push_back(bytes_of(word));
  return words;
}

std::vector<CommandFile> files_of(const msgpack::object& object) {
  if (object.type != msgpack::type::ARRAY) throw msgpack::type_error();
  std::vector<CommandFile> files;
  for (const auto& file : object.via.array) {
    if (file.type != msgpack::type::ARRAY || file.via.array.size < 3 || file.via.array.size > 4)
      throw msgpack::type_error();
    const msgpack::object* parts = file.via.array.ptr;
    files.push_back({bytes_of(parts[0]),
                     parts[1].as<std::uint32_t>() & (0777u | CommandFile::kFolder),
                     bytes_of(parts[2]), file.via.array.size == 4 ? bytes_of(parts[3]) : ""});
    if (!stays_within(files.back().name))
      throw std::invalid_argument("the name of a file points outside its folder: " +
                                  files.back().name);
  }
  std::set<std::string_view> names;
  for (const auto& file : files)
    if (!names.insert(file.name).second)
      throw std::invalid_argument("two files have the same name: " + file.name);
  return files;
}

template <typename E>
E choice_of(const msgpack::object& object, E last) {
  const auto number = object.as<std::uint8_t>();
  if (number > static_cast<std::uint8_t>(last)) throw msgpack::type_error();
  return static_cast<E>(number);
}

/// Packs the fields that differ from their default.
class Fields {
 public:
  template <typename Pack>
  void add(bool wanted, std::string_view key, const Pack& pack) {
    if (!wanted) return;
    ++count_;
    Packer packer(body_);
    pack_text(packer, key);
    pack(packer);
  }
  Bytes take() {
    msgpack::sbuffer head;
    Packer(head).pack_map(count_);
    Bytes out(head.data(), head.size());
    out.append(body_.data(), body_.size());
    return out;
  }

 private:
  std::uint32_t count_ = 0;
  msgpack::sbuffer body_;
};

}  // namespace

Bytes to_bytes(const Command& c) {
  Fields fields;
  fields.add(true, "words", [&](Packer& p) { pack_words(p, c.words); });
  fields.add(!c.env.empty(), "env", [&](Packer& p) { pack_words(p, c.env); });
  fields.add(!c.cwd.empty(), "cwd", [&](Packer& p) { pack_bytes(p, c.cwd); });
  fields.add(c.cwd_optional, "cwd_optional", [](Packer& p) { p.pack_true(); });
  fields.add(c.feed != Command::Feed::arguments, "feed",
             [&](Packer& p) { p.pack(static_cast<unsigned>(c.feed)); });
  fields.add(c.frame != Command::Frame::line, "frame",
             [&](Packer& p) { p.pack(static_cast<unsigned>(c.frame)); });
  fields.add(c.numbered, "numbered", [](Packer& p) { p.pack_true(); });
  fields.add(c.echo, "echo", [](Packer& p) { p.pack_true(); });
  fields.add(c.timeout_ms > 0, "timeout_ms", [&](Packer& p) { p.pack(c.timeout_ms); });
  fields.add(c.memory_bytes > 0, "memory_bytes", [&](Packer& p) { p.pack(c.memory_bytes); });
  fields.add(!c.files.empty(), "files", [&](Packer& p) { pack_files(p, c.files); });
  fields.add(!c.input_blob.empty(), "stdin_blob", [&](Packer& p) { pack_text(p, c.input_blob); });
  fields.add(c.umask.has_value(), "umask", [&](Packer& p) { p.pack(*c.umask); });
  fields.add(!c.get.empty(), "get", [&](Packer& p) { pack_words(p, c.get); });
  fields.add(!c.permanent_exits.empty(), "permanent_exits",
             [&](Packer& p) { p.pack(c.permanent_exits); });
  return fields.take();
}

Command command_in(BytesView bytes) {
  Command c;
  read_map(bytes,
           "a command (the common input of `exec` and `filter` must be one; see quern/command.hpp)",
           [&](std::string_view key, const msgpack::object& value) {
             if (key == "words")
               c.words = texts_in(value);
             else if (key == "env")
               c.env = texts_in(value);
             else if (key == "cwd")
               c.cwd = text_in(value);
             else if (key == "cwd_optional")
               c.cwd_optional = value.as<bool>();
             else if (key == "feed")
               c.feed = choice_of(value, Command::Feed::nothing);
             else if (key == "frame")
               c.frame = choice_of(value, Command::Frame::call);
             else if (key == "numbered")
               c.numbered = value.as<bool>();
             else if (key == "echo")
               c.echo = value.as<bool>();
             else if (key == "timeout_ms")
               c.timeout_ms = value.as<std::uint64_t>();
             else if (key == "memory_bytes")
               c.memory_bytes = value.as<std::uint64_t>();
             else if (key == "files")
               c.files = files_of(value);
             else if (key == "stdin_blob")
               c.input_blob = text_in(value);
             else if (key == "umask")
               c.umask = value.as<std::uint32_t>() & 0777u;
             else if (key == "get")
               c.get = texts_in(value);
             else if (key == "permanent_exits")
               c.permanent_exits = value.as<std::vector<std::int32_t>>();
           });
  if (c.words.empty() || c.words.front().empty())
    throw std::invalid_argument("the command names no program");
  return c;
}

Bytes to_bytes(const CommandItem& item) {
  Fields fields;
  fields.add(true, "arguments", [&](Packer& p) { pack_words(p, item.arguments); });
  fields.add(!item.env.empty(), "env", [&](Packer& p) { pack_words(p, item.env); });
  fields.add(!item.cwd.empty(), "cwd", [&](Packer& p) { pack_bytes(p, item.cwd); });
  fields.add(item.input.has_value(), "stdin", [&](Packer& p) { pack_bytes(p, *item.input); });
  fields.add(!item.files.empty(), "files", [&](Packer& p) { pack_files(p, item.files); });
  fields.add(item.number > 0, "number", [&](Packer& p) { p.pack(item.number); });
  return fields.take();
}

CommandItem command_item(BytesView value) {
  CommandItem item;
  read_map(value, "an item of a command", [&](std::string_view key, const msgpack::object& field) {
    if (key == "arguments")
      item.arguments = texts_in(field);
    else if (key == "env")
      item.env = texts_in(field);
    else if (key == "cwd")
      item.cwd = text_in(field);
    else if (key == "stdin")
      item.input = bytes_of(field);
    else if (key == "files")
      item.files = files_of(field);
    else if (key == "number")
      item.number = field.as<std::uint64_t>();
  });
  return item;
}

Bytes to_bytes(const CommandResult& r) {
  Fields fields;
  fields.add(true, "code", [&](Packer& p) { p.pack(r.code); });
  fields.add(r.signal != 0, "signal", [&](Packer& p) { p.pack(r.signal); });
  fields.add(r.timed_out, "timed_out", [](Packer& p) { p.pack_true(); });
  fields.add(!r.out.empty(), "stdout", [&](Packer& p) { pack_bytes(p, r.out); });
  fields.add(!r.err.empty(), "stderr", [&](Packer& p) { pack_bytes(p, r.err); });
  fields.add(!r.host.empty(), "host", [&](Packer& p) { pack_bytes(p, r.host); });
  fields.add(true, "started_s", [&](Packer& p) { p.pack(r.started_s); });
  fields.add(true, "ran_s", [&](Packer& p) { p.pack(r.ran_s); });
  fields.add(true, "number", [&](Packer& p) { p.pack(r.number); });
  fields.add(!r.arguments.empty(), "arguments", [&](Packer& p) { pack_words(p, r.arguments); });
  fields.add(!r.files.empty(), "files", [&](Packer& p) { pack_files(p, r.files); });
  return fields.take();
}

CommandResult command_result(BytesView bytes) {
  CommandResult r;
  read_map(bytes, "the result of a command",
           [&](std::string_view key, const msgpack::object& value) {
             if (key == "code")
               r.code = value.as<std::int32_t>();
             else if (key == "signal")
               r.signal = value.as<std::int32_t>();
             else if (key == "timed_out")
               r.timed_out = value.as<bool>();
             else if (key == "stdout")
               r.out = bytes_of(value);
             else if (key == "stderr")
               r.err = bytes_of(value);
             else if (key == "host")
               r.host = bytes_of(value);
             else if (key == "started_s")
               r.started_s = value.as<double>();
             else if (key == "ran_s")
               r.ran_s = value.as<double>();
             else if (key == "number")
               r.number = value.as<std::uint64_t>();
             else if (key == "arguments")
               r.arguments = words_of(value);
             else if (key == "files")
               r.files = files_of(value);
           });
  return r;
}

}  // namespace quern
