// A file that the broker keeps, read by a client: chunk by chunk, checked against its name.
#include <utility>

#include "client/client_impl.hpp"
#include "keys/sodium.hpp"
#include "wire/blob.hpp"

namespace quern {

wire::Blob Client::Impl::read_chunk(wire::Fetch fetch) {
  struct Turn {
    std::counting_semaphore<>& turns;
    explicit Turn(std::counting_semaphore<>& all) : turns(all) { turns.acquire(); }
    ~Turn() { turns.release(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
  };
  const Turn turn(reads_);
  const std::uint64_t chunk = fetch.chunk;
  client::Reply reply = ask(std::move(fetch));
  auto* blob = std::get_if<wire::Blob>(&reply);
  if (!blob || blob->chunk != chunk)
    throw Error(ErrorCode::malformed,
                "the broker's answer does not match the request; is it another version of Quern?");
  return std::move(*blob);
}

bool Client::fetch(const std::string& name, const std::function<bool(BytesView)>& take) {
  if (!wire::is_blob_name(name))
    throw Error(ErrorCode::bad_input,
                "a file is named by the BLAKE2b-256 hash of its content, in 64 lower-case "
                "hexadecimal digits (`b2sum -l 256 FILE`)");
  keys::Digest digest;
  wire::Fetch next;
  next.blob = name;
  for (std::uint64_t chunks = 1; next.chunk < chunks; ++next.chunk) {
    const wire::Blob blob = impl_->read_chunk(next);
    // The broker may have lost the file and got it again, perhaps from another principal.
    if (next.chunk > 0 && (blob.chunks != chunks || blob.job != next.job))
      throw Error(ErrorCode::malformed, "the file " + name + " was replaced while it was read");
    chunks = blob.chunks;
    next.job = blob.job;
    digest.add(blob.bytes.view());
    if (next.chunk + 1 >= chunks && digest.hex() != name)
      throw Error(ErrorCode::malformed,
                  "the content of the file " + name +
                      " does not match its name: whoever uploaded it gave it a wrong name");
    if (chunks > 0 && !take(blob.bytes.view())) return false;
  }
  return true;
}

}  // namespace quern
