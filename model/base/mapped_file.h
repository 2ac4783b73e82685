#pragma once
// The text of a large file without a copy of it: mapped, read when looked at, and given back in between.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace waypath::model {

class MappedFile {
 public:
  /// Null when the file cannot be mapped: then read it.
  [[nodiscard]] static std::shared_ptr<const MappedFile> open(const std::string& path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] std::string_view text() const { return {data_, size_}; }
  /// The memory of these bytes may be given back; they are read from the file again when looked at.
  void release(std::size_t offset, std::size_t length) const;

 private:
  MappedFile(char* data, std::size_t size) : data_(data), size_(size) {}
  char* data_;
  std::size_t size_;
};

}  // namespace waypath::model
