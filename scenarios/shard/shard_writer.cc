#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "scenarios/shard/shard_file.h"
#include "scenarios/shard/shard_header.h"

namespace waypath::scenarios {
namespace {

constexpr std::size_t kPending = std::size_t{1} << 20;

void put_little_endian(std::string& out, std::uint64_t n, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(n >> (8 * i) & 0xffU);
}

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto done = ::write(descriptor, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return true;
}

}  // namespace

std::string shard_key(std::initializer_list<std::uint64_t> numbers) {
  std::string out;
  for (const auto n : numbers)
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(n >> shift & 0xffU);
  return out;
}

ShardWriter::ShardWriter(std::string path, ShardHeader header)
    : path_(std::move(path)), partial_(path_ + ".partial-XXXXXX"), header_(std::move(header)) {
  descriptor_ = mkostemp(partial_.data(), O_CLOEXEC);
  if (descriptor_ < 0) {
    error_ = std::strerror(errno);
    return;
  }
  // As any new file, not as a secret one.
  const mode_t mask = umask(0);
  umask(mask);
  if (fchmod(descriptor_, 0666 & ~mask) != 0) error_ = std::strerror(errno);
  header_.records = 0;
  header_.checksum.clear();
  write(write_header(header_));
}

ShardWriter::~ShardWriter() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  unlink(partial_.c_str());
}

void ShardWriter::write(std::string_view bytes) {
  if (error_.empty() && !write_all(descriptor_, bytes)) error_ = std::strerror(errno);
}

void ShardWriter::flush() {
  digest_.bytes(pending_);
  write(pending_);
  pending_.clear();
}

void ShardWriter::add(std::string_view key, std::string_view payload) {
  ++header_.records;
  put_little_endian(pending_, key.size(), 4);
  pending_ += key;
  put_little_endian(pending_, payload.size(), 8);
  pending_ += payload;
  if (pending_.size() >= kPending) flush();
}

std::optional<std::string> ShardWriter::commit() {
  flush();
  header_.checksum = digest_.hex();
  if (error_.empty() && lseek(descriptor_, 0, SEEK_SET) != 0) error_ = std::strerror(errno);
  write(write_header(header_));
  if (error_.empty() && (fsync(descriptor_) != 0 || rename(partial_.c_str(), path_.c_str()) != 0))
    error_ = std::strerror(errno);
  if (!error_.empty()) return error_;
  close(std::exchange(descriptor_, -1));
  return std::nullopt;
}

}  // namespace waypath::scenarios
