#pragma once
// The text of a large file without a copy of it: mapped, read when looked at, and given back in between.
//
// The file is to stay as it is while it is mapped. One that is written over gives new bytes in places, which
// `unchanged` tells afterwards; one that is cut raises SIGBUS where it is looked at behind its new end. So
// map for a short while, and read again, by `read_part`, what is wanted later.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace waypath::model {

/// What tells that a file has not been touched.
struct FileStamp {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t modified = 0, changed = 0;  // nanoseconds since 1970
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

class MappedFile {
 public:
  /// Null when the file cannot be mapped, or is smaller than `least`: then read it.
  [[nodiscard]] static std::shared_ptr<const MappedFile> open(const std::string& path, std::size_t least = 1);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] std::string_view text() const { return {data_, stamp_.size}; }
  /// The memory of these bytes may be given back; they are read from the file again when looked at.
  void release(std::size_t offset, std::size_t length) const;
  [[nodiscard]] const FileStamp& stamp() const { return stamp_; }  // when it was opened
  [[nodiscard]] bool unchanged() const;

 private:
  MappedFile(int file, char* data, const FileStamp& stamp) : file_(file), data_(data), stamp_(stamp) {}
  int file_;
  char* data_;
  FileStamp stamp_;
};

/// Part of a file that is still the one of `stamp`; nullopt when it is not, or cannot be read.
[[nodiscard]] std::optional<std::string> read_part(const std::string& path, const FileStamp& stamp,
                                                   std::size_t offset, std::size_t length);

}  // namespace waypath::model
