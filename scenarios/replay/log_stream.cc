#include "scenarios/replay/log_stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <utility>

namespace waypath::scenarios {
namespace {

constexpr std::size_t kBlock = std::size_t{2} << 20;
constexpr unsigned kReadAhead = 1U << 18;

/// Plain bytes of a file that may be compressed.
class Source {
 public:
  Source() = default;
  ~Source() {
    if (packed_ != nullptr)
      gzclose(packed_);
    else if (descriptor_ >= 0)
      close(descriptor_);
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  std::optional<std::string> open(const std::string& path) {
    descriptor_ = path == "-" ? dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ < 0) return std::string(std::strerror(errno));
    struct stat about {};
    const bool known = fstat(descriptor_, &about) == 0;
    if (known && S_ISDIR(about.st_mode)) return std::string("it is a directory");
    // Plain files need no zlib between them and the block; what cannot be looked at first goes through it.
    char magic[2] = {};  // NOLINT(modernize-avoid-c-arrays)
    const bool plain = known && S_ISREG(about.st_mode) && lseek(descriptor_, 0, SEEK_CUR) == 0 &&
                       (pread(descriptor_, magic, 2, 0) < 2 || magic[0] != '\x1f' || magic[1] != '\x8b');
    if (plain) return std::nullopt;
    packed_ = gzdopen(descriptor_, "rb");
    if (packed_ == nullptr) return std::string("out of memory");
    gzbuffer(packed_, kReadAhead);
    return std::nullopt;
  }

  /// 0 at the end or when it breaks off: see `error`.
  std::size_t read(char* to, std::size_t size) {
    if (packed_ != nullptr) {
      const int got = gzread(packed_, to, static_cast<unsigned>(size));
      return got > 0 ? static_cast<std::size_t>(got) : 0;
    }
    for (;;) {
      const auto got = ::read(descriptor_, to, size);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno == EINTR) continue;
      error_ = std::strerror(errno);
      return 0;
    }
  }

  [[nodiscard]] std::optional<std::string> error() const {
    if (packed_ == nullptr) return error_;
    int code = Z_OK;
    const char* message = gzerror(packed_, &code);
    if (code == Z_BUF_ERROR) return std::string("the gzip data ends too early");
    if (code == Z_ERRNO) return std::string(std::strerror(errno));
    if (code != Z_OK && code != Z_STREAM_END) return std::string("broken gzip data: ") + message;
    return std::nullopt;
  }

 private:
  int descriptor_ = -1;
  gzFile packed_ = nullptr;
  std::optional<std::string> error_;
};

// Lines are long: memchr from end to end is faster than a look at each byte.
std::uint64_t lines_in(std::string_view text) {
  std::uint64_t out = 0;
  while (!text.empty()) {
    ++out;
    const auto* end = static_cast<const char*>(std::memchr(text.data(), '\n', text.size()));
    if (end == nullptr) break;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  }
  return out;
}

LogBlock empty_block(std::uint64_t first) {
  LogBlock out;
  out.first = first;
  // What is carried over from the last block, and one read.
  out.bytes.reset(new char[2 * kBlock + kLogPadding]);
  return out;
}

}  // namespace

std::optional<std::string> for_each_log_block(const std::string& path,
                                              const std::function<void(LogBlock)>& fn) {
  Source source;
  if (auto error = source.open(path)) return error;
  LogBlock block = empty_block(1);
  bool passing = false;  // over the rest of a line that was cut
  // Hands over the first `size` bytes; the rest goes into the next block.
  const auto hand_over = [&](std::size_t size) {
    LogBlock next = empty_block(1);
    next.size = block.size - size;
    std::memcpy(next.bytes.get(), block.bytes.get() + size, next.size);
    block.size = size;
    std::memset(block.bytes.get() + size, 0, kLogPadding);
    block.lines = lines_in(block.text());
    next.first = block.first + block.lines;
    fn(std::exchange(block, std::move(next)));
  };
  while (const std::size_t got = source.read(block.bytes.get() + block.size, kBlock)) {
    const std::string_view fresh(block.bytes.get() + block.size, got);
    if (passing) {
      const auto end = fresh.find('\n');
      if (end == std::string_view::npos) continue;
      passing = false;
      block.size = got - end - 1;
      std::memmove(block.bytes.get(), fresh.data() + end + 1, block.size);
    } else {
      block.size += got;
    }
    if (block.size < kBlock) continue;
    const auto last = block.text().rfind('\n');
    if (last != std::string_view::npos) {
      hand_over(last + 1);
      continue;
    }
    block.size = kLongestLogLine;
    block.cut = passing = true;
    hand_over(block.size);
  }
  if (block.size > 0 && !passing) hand_over(block.size);
  return source.error();
}

}  // namespace waypath::scenarios
