// Files of keys: where they are, how they are written (atomically, and readable only by their
// owner), how they are read.
//
//   FOLDER/broker.pub broker.secret      of the broker on this machine
//   FOLDER/client.pub client.secret      of people and programs here (submit, read, admin)
//   FOLDER/worker.pub worker.secret      of workers here (work)
//   FOLDER/authorized_keys               who may do what (authorized_keys.hpp)
//   FOLDER/invitations                   open invitations (invitation.hpp)
//   FOLDER/brokers/HOST_PORT/            keys for a broker elsewhere: its broker.pub, and our
//                                        worker.* or client.*
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "keys/key_pair.hpp"

namespace quern::keys {

/// $QUERN_KEYS, else $XDG_CONFIG_HOME/quern, else ~/.config/quern; empty if the environment
/// does not define it.
std::string default_folder();
/// Where the keys for a broker elsewhere are kept.
std::string folder_for(const std::string& folder, const std::string& endpoint);

/// The text of a file. Nullopt if it does not exist. Throws KeyError if it cannot be read.
std::optional<std::string> read_file(const std::string& path);
/// Writes a file of mode 0600 (or `mode`) so that a reader sees the old text or the new one, and it
/// is on the disk when this returns. It gets the owner of the file that it replaces, or else of the
/// folder, so that root can manage the keys of a service. Throws KeyError.
void write_file(const std::string& path, std::string_view text, unsigned mode = 0600);
/// Creates a folder with mode 0700, and its parents. Throws KeyError.
void make_folder(const std::string& path);

bool is_there(const std::string& path);
/// Throws KeyError, with the command that repairs it, if anybody other than the user of this
/// process or root owns it or may write to it, because they could add keys of their own. Does
/// nothing if it does not exist.
void require_safe(const std::string& path);

/// Reads a public key file, which must be safe in this sense. Nullopt if it does not exist; throws
/// KeyError if it contains no key.
std::optional<std::string> read_public(const std::string& path);
/// The text of a file with a secret, of which others must not be able to read anything. Nullopt if
/// it does not exist. Throws KeyError with the command that repairs it.
std::optional<std::string> read_private(const std::string& path);
/// A secret key file, of which others must not be able to read anything. Throws KeyError with the
/// command that repairs it.
std::optional<std::string> read_secret(const std::string& path);

/// NAME.pub and NAME.secret of a folder. Nullopt if there is no secret key.
std::optional<KeyPair> read_pair(const std::string& folder, const std::string& name);
void write_pair(const std::string& folder, const std::string& name, const KeyPair& pair);

/// Lets one process at a time change a folder. Held for the lifetime of the object.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder);
  /// Throws KeyError if another process holds it for longer than `wait`.
  FolderLock(const std::string& folder, std::chrono::milliseconds wait);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int fd_;
};

/// Creates what a broker without keys needs: broker.*, client.*, worker.* and authorized_keys with
/// the latter two. Keeps existing files. True if it created any. broker.pub is written last, so
/// that whoever waits for it finds the rest.
bool make_missing(const std::string& folder);

/// The side of a connection.
enum class Side : std::uint8_t { client, worker };
/// What a peer needs to reach a broker over CURVE.
struct PeerKeys {
  KeyPair own;
  std::string broker_key;
};
/// The keys for this endpoint: those kept for it, else those of this machine's own broker. With a
/// token, our own pair is that of the token. Nullopt if they do not exist (yet).
std::optional<PeerKeys> peer_keys(const std::string& folder, const std::string& endpoint, Side side,
                                  std::string_view token = {});

}  // namespace quern::keys
