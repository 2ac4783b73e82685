#include "model/base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace waypath::model {
namespace {

/// Of a regular file that is open.
std::optional<FileStamp> stamp_of(int file) {
  struct stat info {};
  if (::fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  const auto nanoseconds = [](const timespec& t) {
    return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
  };
  return FileStamp{info.st_dev, info.st_ino, static_cast<std::uint64_t>(info.st_size),
                   nanoseconds(info.st_mtim), nanoseconds(info.st_ctim)};
}

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::string& path, std::size_t least) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return nullptr;
  void* data = MAP_FAILED;
  const auto stamp = stamp_of(file);
  if (stamp && stamp->size >= least && stamp->size != 0)
    data = ::mmap(nullptr, stamp->size, PROT_READ, MAP_PRIVATE, file, 0);
  if (data == MAP_FAILED) {
    ::close(file);
    return nullptr;
  }
  return std::shared_ptr<const MappedFile>(new MappedFile(file, static_cast<char*>(data), *stamp));
}

MappedFile::~MappedFile() {
  ::munmap(data_, stamp_.size);
  ::close(file_);
}

void MappedFile::release(std::size_t offset, std::size_t length) const {
  static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  // A page that is missed comes back with those around it, what was released before among them: that is
  // released once more. Source: kernel Documentation/filesystems/proc.rst, mm/memory.c (fault_around_bytes)
  constexpr std::size_t kAround = std::size_t{64} << 10;
  const std::size_t begin = offset / kAround * kAround;
  const std::size_t end = (offset + length) / page * page;
  if (begin < end && end <= stamp_.size) ::madvise(data_ + begin, end - begin, MADV_DONTNEED);
}

bool MappedFile::unchanged() const { return stamp_of(file_) == stamp_; }

std::optional<std::string> read_part(const std::string& path, const FileStamp& stamp, std::size_t offset,
                                     std::size_t length) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return std::nullopt;
  std::string text;
  bool whole = offset <= stamp.size && length <= stamp.size - offset && stamp_of(file) == stamp;
  if (whole) text.resize(length);
  for (std::size_t got = 0; whole && got < length;) {
    const ssize_t n = ::pread(file, text.data() + got, length - got, static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    whole = n > 0;
    got += whole ? static_cast<std::size_t>(n) : 0;
  }
  whole = whole && stamp_of(file) == stamp;
  ::close(file);
  return whole ? std::optional(std::move(text)) : std::nullopt;
}

}  // namespace waypath::model
