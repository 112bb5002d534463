#include "store/cutoff_vfs.hpp"

#include <fstream>
#include <iterator>

namespace quern::broker {

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

CutoffVfs::CutoffVfs() : real_vfs_(sqlite3_vfs_find(nullptr)), vfs_(*real_vfs_), methods_{} {
  vfs_.zName = "quern-cutoff";
  vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_vfs_->szOsFile;
  vfs_.pNext = nullptr;
  vfs_.pAppData = this;
  vfs_.xOpen = open;
  vfs_.xDelete = remove;
  // All other functions work on names and belong to the real file system. They use its pAppData, so
  // they get the real file system.
  vfs_.xAccess = [](sqlite3_vfs* v, const char* name, int flags, int* out) {
    auto* real = static_cast<CutoffVfs*>(v->pAppData)->real_vfs_;
    return real->xAccess(real, name, flags, out);
  };
  vfs_.xFullPathname = [](sqlite3_vfs* v, const char* name, int n, char* out) {
    auto* real = static_cast<CutoffVfs*>(v->pAppData)->real_vfs_;
    return real->xFullPathname(real, name, n, out);
  };

  methods_.iVersion = 2;  // with shared memory, without memory mapping
  methods_.xClose = close;
  methods_.xRead = [](sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
    return real(f)->pMethods->xRead(real(f), to, n, at);
  };
  methods_.xWrite = [](sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
    return real(f)->pMethods->xWrite(real(f), from, n, at);
  };
  methods_.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) {
    return real(f)->pMethods->xTruncate(real(f), size);
  };
  methods_.xSync = sync;
  methods_.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
    return real(f)->pMethods->xFileSize(real(f), size);
  };
  methods_.xLock = [](sqlite3_file* f, int level) {
    return real(f)->pMethods->xLock(real(f), level);
  };
  methods_.xUnlock = [](sqlite3_file* f, int level) {
    return real(f)->pMethods->xUnlock(real(f), level);
  };
  methods_.xCheckReservedLock = [](sqlite3_file* f, int* out) {
    return real(f)->pMethods->xCheckReservedLock(real(f), out);
  };
  methods_.xFileControl = [](sqlite3_file* f, int op, void* arg) {
    return real(f)->pMethods->xFileControl(real(f), op, arg);
  };
  methods_.xSectorSize = [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); };
  methods_.xDeviceCharacteristics = [](sqlite3_file* f) {
    return real(f)->pMethods->xDeviceCharacteristics(real(f));
  };
  methods_.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
    return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
  };
  methods_.xShmLock = [](sqlite3_file* f, int offset, int n, int flags) {
    return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
  };
  methods_.xShmBarrier = [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); };
  methods_.xShmUnmap = [](sqlite3_file* f, int remove_it) {
    return real(f)->pMethods->xShmUnmap(real(f), remove_it);
  };
  sqlite3_vfs_register(&vfs_, 1);
}

CutoffVfs::~CutoffVfs() {
  sqlite3_vfs_unregister(&vfs_);
  sqlite3_vfs_register(real_vfs_, 1);
}

int CutoffVfs::open(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags,
                    int* out_flags) {
  auto* self = static_cast<CutoffVfs*>(vfs->pAppData);
  auto* mine = reinterpret_cast<File*>(file);
  mine->base.pMethods = nullptr;
  mine->real = reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(file) + sizeof(File));
  const int code = self->real_vfs_->xOpen(self->real_vfs_, name, mine->real, flags, out_flags);
  if (code != SQLITE_OK) return code;
  mine->base.pMethods = &self->methods_;
  mine->owner = self;
  mine->path = new std::string(name ? name : "");
  return SQLITE_OK;
}

int CutoffVfs::remove(sqlite3_vfs* vfs, const char* name, int sync) {
  auto* self = static_cast<CutoffVfs*>(vfs->pAppData);
  self->synced_.erase(name);
  return self->real_vfs_->xDelete(self->real_vfs_, name, sync);
}

int CutoffVfs::close(sqlite3_file* file) {
  auto* mine = reinterpret_cast<File*>(file);
  delete mine->path;
  return mine->real->pMethods->xClose(mine->real);
}

int CutoffVfs::sync(sqlite3_file* file, int flags) {
  auto* mine = reinterpret_cast<File*>(file);
  CutoffVfs* self = mine->owner;
  if (self->observe) self->observe();
  const int code = mine->real->pMethods->xSync(mine->real, flags);
  if (code == SQLITE_OK && !mine->path->empty())
    self->synced_[*mine->path] = content_of(*mine->path);
  if (self->observe) self->observe();
  return code;
}

}  // namespace quern::broker
