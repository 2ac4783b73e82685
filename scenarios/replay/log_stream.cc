#include "scenarios/replay/log_stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

namespace waypath::scenarios {
namespace {

constexpr unsigned kReadAhead = 1U << 18;

struct Close {
  void operator()(gzFile file) const { gzclose(file); }
};
using GzFile = std::unique_ptr<gzFile_s, Close>;

/// Cuts what is read into lines. The rest of a line that is too long is passed over.
class Cutter {
 public:
  explicit Cutter(const std::function<void(const LogLine&)>& fn) : fn_(fn) {}

  void take(std::string_view data) {
    while (!data.empty()) {
      const auto* end = static_cast<const char*>(std::memchr(data.data(), '\n', data.size()));
      const std::size_t length = end == nullptr ? data.size() : static_cast<std::size_t>(end - data.data());
      if (end != nullptr && kept_.empty() && length <= kLongestLogLine) {
        emit(data.substr(0, length), false);
      } else {
        keep(data.substr(0, length));
        if (end != nullptr) finish();
      }
      data.remove_prefix(end == nullptr ? length : length + 1);
    }
  }

  void finish() {
    if (!kept_.empty()) emit(kept_, cut_);
    kept_.clear();
    cut_ = false;
  }

 private:
  void keep(std::string_view part) {
    const std::size_t room = kLongestLogLine - kept_.size();
    if (part.size() > room) cut_ = true;
    kept_.append(part.substr(0, room));
  }

  void emit(std::string_view text, bool cut) {
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    fn_({number_++, text, cut});
  }

  const std::function<void(const LogLine&)>& fn_;
  std::string kept_;
  bool cut_ = false;
  std::uint64_t number_ = 1;
};

}  // namespace

std::optional<std::string> for_each_log_line(const std::string& path,
                                             const std::function<void(const LogLine&)>& fn) {
  const int descriptor = path == "-" ? dup(STDIN_FILENO) : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return std::string(std::strerror(errno));
  struct stat about {};
  if (fstat(descriptor, &about) == 0 && S_ISDIR(about.st_mode)) {
    close(descriptor);
    return std::string("it is a directory");
  }
  // zlib hands plain data through as it is.
  const GzFile file(gzdopen(descriptor, "rb"));
  if (!file) {
    close(descriptor);
    return std::string("out of memory");
  }
  gzbuffer(file.get(), kReadAhead);
  std::vector<char> block(kReadAhead);
  Cutter cutter(fn);
  for (;;) {
    const int got = gzread(file.get(), block.data(), kReadAhead);
    if (got > 0) {
      cutter.take({block.data(), static_cast<std::size_t>(got)});
      continue;
    }
    cutter.finish();
    int code = Z_OK;
    const char* message = gzerror(file.get(), &code);
    if (code == Z_BUF_ERROR) return std::string("the gzip data ends too early");
    if (code == Z_ERRNO) return std::string(std::strerror(errno));
    if (code != Z_OK && code != Z_STREAM_END) return std::string("broken gzip data: ") + message;
    return std::nullopt;
  }
}

}  // namespace waypath::scenarios
