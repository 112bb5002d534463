#include "keys/files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "keys/authorized_keys.hpp"
#include "keys/error.hpp"
#include "keys/same_place.hpp"
#include "keys/token.hpp"

namespace quern::keys {
namespace {

constexpr std::size_t kFileMax = 16u << 20;  // a larger file is not a file of keys

[[noreturn]] void fail(const std::string& what, const std::string& path) {
  throw KeyError("cannot " + what + " " + path + ": " + std::strerror(errno));
}

/// A descriptor that is closed.
class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

std::string read_all(int fd, const std::string& path) {
  std::string text;
  char buffer[4096];
  while (true) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("read", path);
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > kFileMax) throw KeyError(path + " is too large to be a file of keys");
  }
}

void write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail("write", path);
    text.remove_prefix(static_cast<std::size_t>(put));
  }
}

std::string key_in(const std::string& text, const std::string& path) {
  const std::string key = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
  if (!is_key(key))
    throw KeyError(
        path +
        " does not contain a key (40 characters of Z85): remove it and run `quern keys init`");
  return key;
}

/// As root: gives the file the owner of the file that it replaces, or of its folder.
void keep_owner(int fd, const std::string& path) {
  if (::geteuid() != 0) return;
  struct stat about {};
  const std::string folder = std::filesystem::path(path).parent_path();
  const bool fresh = ::stat(path.c_str(), &about) != 0 || about.st_uid == 0;
  if (fresh && ::stat(folder.empty() ? "." : folder.c_str(), &about) != 0) return;
  if (about.st_uid != 0 && ::fchown(fd, about.st_uid, about.st_gid) != 0)
    fail("set the owner of", path);
}

std::string variable(const char* name) {
  const char* text = std::getenv(name);
  return text ? text : "";
}

void add_grant(AuthorizedKeys& file, const std::string& name, const std::string& key,
               std::string_view roles) {
  Grant grant;
  grant.name = name;
  grant.key = key;
  grant.roles = roles_of(roles);
  file.add(grant);
}

}  // namespace

std::string default_folder() {
  if (const auto keys = variable("QUERN_KEYS"); !keys.empty()) return keys;
  if (const auto config = variable("XDG_CONFIG_HOME"); !config.empty() && config[0] == '/')
    return config + "/quern";
  if (const auto home = variable("HOME"); !home.empty()) return home + "/.config/quern";
  return {};
}

std::string folder_for(const std::string& folder, const std::string& endpoint) {
  std::string name =
      endpoint.substr(endpoint.find("://") == std::string::npos ? 0 : endpoint.find("://") + 3);
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '-') c = '_';
  if (name.find_first_not_of('.') == std::string::npos)
    name += '_';  // must not be the name of a parent folder
  return folder + "/brokers/" + name;
}

std::optional<std::string> read_file(const std::string& path) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    fail("read", path);
  }
  return read_all(file.fd(), path);
}

void write_file(const std::string& path, std::string_view text, unsigned mode) {
  const std::string draft = path + ".new-" + std::to_string(::getpid());
  ::unlink(draft.c_str());
  const File file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (file.fd() < 0) fail("write", draft);
  try {
    write_all(file.fd(), text, draft);
    keep_owner(file.fd(), path);
    if (::fsync(file.fd()) != 0) fail("write", draft);
    if (::rename(draft.c_str(), path.c_str()) != 0) fail("write", path);
  } catch (...) {
    ::unlink(draft.c_str());
    throw;
  }
  const File folder(::open(std::filesystem::path(path).parent_path().c_str(),
                           O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.fd() >= 0) ::fsync(folder.fd());
}

bool is_there(const std::string& path) {
  struct stat about {};
  return ::stat(path.c_str(), &about) == 0;
}

void require_safe(const std::string& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return;
  if ((about.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    throw KeyError(path +
                   " can be written by others, who could add keys of their own: check its "
                   "contents, then run `chmod go-w " +
                   path + "`");
  if (about.st_uid != ::geteuid() && about.st_uid != 0 && ::geteuid() != 0)
    throw KeyError(path + " belongs to another user (uid " + std::to_string(about.st_uid) +
                   "), who could change it: run the broker as that user, or `chown` the file");
}

void make_folder(const std::string& path) {
  std::error_code error;
  const auto parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  if (::mkdir(path.c_str(), 0700) == 0) {
    if (const File made(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)); made.fd() >= 0)
      keep_owner(made.fd(), path);
  } else if (errno != EEXIST) {
    fail("create the folder", path);
  }
  if (!std::filesystem::is_directory(path, error)) throw KeyError(path + " is not a folder");
}

std::optional<std::string> read_public(const std::string& path) {
  require_safe(path);
  const auto text = read_file(path);
  if (!text) return std::nullopt;
  return key_in(*text, path);
}

std::optional<std::string> read_private(const std::string& path) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    fail("read", path);
  }
  struct stat about {};
  if (::fstat(file.fd(), &about) != 0) fail("read", path);
  if ((about.st_mode & 077) != 0)
    throw KeyError(path + " can be read by others: run `chmod 600 " + path +
                   "`, and `quern keys rotate` if somebody may have read it");
  return read_all(file.fd(), path);
}

std::optional<std::string> read_secret(const std::string& path) {
  const auto text = read_private(path);
  if (!text) return std::nullopt;
  return key_in(*text, path);
}

std::optional<KeyPair> read_pair(const std::string& folder, const std::string& name) {
  const auto secret = read_secret(folder + "/" + name + ".secret");
  if (!secret) return std::nullopt;
  return KeyPair{public_key_of(*secret), *secret};
}

void write_pair(const std::string& folder, const std::string& name, const KeyPair& pair) {
  write_file(folder + "/" + name + ".secret", pair.secret_key + "\n");
  write_file(folder + "/" + name + ".pub", pair.public_key + "\n", 0644);
}

FolderLock::FolderLock(const std::string& folder)
    : FolderLock(folder, std::chrono::milliseconds::max()) {}

FolderLock::FolderLock(const std::string& folder, std::chrono::milliseconds wait)
    : fd_(::open((folder + "/.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
  if (fd_ < 0) fail("lock", folder);
  constexpr std::chrono::milliseconds kPause{10};
  for (auto waited = std::chrono::milliseconds{0}; ::flock(fd_, LOCK_EX | LOCK_NB) != 0;
       waited += kPause) {
    const int error = errno;
    if ((error == EWOULDBLOCK || error == EINTR) && waited < wait) {
      std::this_thread::sleep_for(kPause);
      continue;
    }
    ::close(fd_);
    if (error == EWOULDBLOCK)
      throw KeyError(folder + " is being changed by another process; try again");
    errno = error;
    fail("lock", folder);
  }
}

FolderLock::~FolderLock() { ::close(fd_); }

bool make_missing(const std::string& folder) {
  make_folder(folder);
  require_safe(folder);
  const FolderLock lock(folder);
  bool made = false;
  const auto pair_of = [&](const std::string& name) {
    if (const auto known = read_pair(folder, name)) return *known;
    made = true;
    const KeyPair fresh = new_key_pair();
    if (name == "broker")
      write_file(folder + "/broker.secret", fresh.secret_key + "\n");
    else
      write_pair(folder, name, fresh);
    return fresh;
  };
  const std::string list = folder + "/authorized_keys";
  const KeyPair broker = pair_of("broker");
  if (const auto text = read_file(list); !text) {
    AuthorizedKeys file = AuthorizedKeys::parse(
        "# Who may do what with this broker: NAME KEY ROLES [OPTION=VALUE]...   (`quern keys "
        "--help`)\n");
    add_grant(file, "client", pair_of("client").public_key, "submit,read,admin");
    add_grant(file, "worker", pair_of("worker").public_key, "work");
    write_file(list, file.text());
    made = true;
  }
  if (read_public(folder + "/broker.pub") != broker.public_key) {
    write_file(folder + "/broker.pub", broker.public_key + "\n", 0644);
    made = true;
  }
  return made;
}

namespace {

/// The endpoint that a folder of brokers/ is for: from its file `endpoint`, or, if it is older,
/// from its name.
std::string endpoint_of(const std::filesystem::path& place) {
  if (auto said = read_file(place.string() + "/endpoint")) return said->substr(0, said->find('\n'));
  std::string name = place.filename();
  if (const auto last = name.rfind('_'); last != std::string::npos) name[last] = ':';
  return "tcp://" + name;
}

/// The folder of the keys for an endpoint in any spelling, because keys belong to a broker. Empty
/// if there is none.
std::string place_for(const std::string& folder, const std::string& endpoint) {
  const std::string exact = folder_for(folder, endpoint);
  if (is_there(exact + "/broker.pub")) return exact;
  std::error_code error;
  for (const auto& each : std::filesystem::directory_iterator(folder + "/brokers", error))
    if (is_there(each.path().string() + "/broker.pub") && each.path().extension() != ".joining" &&
        same_place(endpoint, endpoint_of(each.path())))
      return each.path();
  return {};
}

}  // namespace

std::optional<PeerKeys> peer_keys(const std::string& folder, const std::string& endpoint, Side side,
                                  std::string_view token) {
  const std::string name = side == Side::client ? "client" : "worker";
  for (const std::string& place : {place_for(folder, endpoint), folder}) {
    if (place.empty()) continue;
    const auto broker = read_public(place + "/broker.pub");
    if (broker && !token.empty()) return PeerKeys{pair_of_token(token), *broker};
    const auto own = broker ? read_pair(place, name) : std::nullopt;
    if (own) return PeerKeys{*own, *broker};
  }
  return std::nullopt;
}

}  // namespace quern::keys
