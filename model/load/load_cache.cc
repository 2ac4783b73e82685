#include "model/load/load_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "model/base/mapped_sources.h"
#include "model/base/parallel.h"
#include "model/base/version.h"
#include "model/load/image_codec.h"

namespace waypath::model {
namespace {

constexpr std::string_view kMagic = "WPIMAGE\n";
constexpr int kFormat = 2;                        // of the image, beside the program that writes it
constexpr std::size_t kChunk = 1024;              // objects that are decoded by one thread
constexpr std::size_t kWave = 32;                 // chunks that are decoded before they are given
constexpr std::int64_t kSettled = 2'000'000'000;  // nanoseconds: file systems with coarse times have to tick

/// Another build of the same version may decode otherwise.
std::string program() {
  struct stat info {};
  if (::stat("/proc/self/exe", &info) != 0) info = {};
  return fmt::format("waypath {} image {} program {} {} {}.{}", kVersion, kFormat, info.st_ino, info.st_size,
                     info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

std::int64_t nanoseconds(const timespec& t) {
  return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

std::uint64_t word_at(const char* p) {
  std::uint64_t word = 0;
  std::memcpy(&word, p, sizeof word);
  return word;
}

void put_diagnostic(ImageWriter& out, const Diagnostic& d) {
  out.text(d.code.text);
  out.put(d.severity);
  out.put(d.reach);
  out.put(d.pos);
  for (const std::string* text : {&d.object, &d.field, &d.error_type, &d.message, &d.hint}) out.text(*text);
}

Diagnostic get_diagnostic(ImageReader& in) {
  Diagnostic d;
  d.code = Code{intern(in.text()).view()};  // interned text stays, as that of the codes' tables does
  in.get(d.severity);
  in.get(d.reach);
  in.get(d.pos);
  for (std::string* text : {&d.object, &d.field, &d.error_type, &d.message, &d.hint}) *text = in.text();
  return d;
}

constexpr std::array kCounts{&LoadStats::bytes, &LoadStats::documents, &LoadStats::skipped_documents,
                             &LoadStats::objects, &LoadStats::reference_documents};

}  // namespace

// Four chains of words, so that a processor works on four at once. Every step of a chain can be undone, and
// so can their sum: two texts that differ in one word never agree.
std::uint64_t image_checksum(std::string_view bytes) {
  constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15U;
  std::array<std::uint64_t, 4> chain{1, 2, 3, 4};
  const auto step = [](std::uint64_t state, std::uint64_t word) {
    return std::rotl((state ^ word) * kFactor, 29);
  };
  std::size_t i = 0;
  for (; i + 32 <= bytes.size(); i += 32)
    for (std::size_t lane = 0; lane < 4; ++lane)
      chain[lane] = step(chain[lane], word_at(bytes.data() + i + lane * 8));
  std::array<char, 32> rest{};
  std::memcpy(rest.data(), bytes.data() + i, bytes.size() - i);
  for (std::size_t lane = 0; lane < 4; ++lane)
    chain[lane] = step(chain[lane], word_at(rest.data() + lane * 8));
  std::uint64_t out = bytes.size();
  for (const std::uint64_t value : chain) {
    out = step(out, value);
    out ^= out >> 31U;
  }
  return out;
}

// What tells that a file is the same; all 0 but size and hash when its times cannot be trusted: it changed so
// shortly before it was read that it may have changed again since.
struct LoadCache::Input {
  std::string path;
  std::uint64_t size = 0, device = 0, inode = 0;
  std::int64_t modified = 0, changed = 0;
  std::uint64_t hash = 0;

  [[nodiscard]] bool same_file(const Input& other) const {
    return changed != 0 && size == other.size && device == other.device && inode == other.inode &&
           modified == other.modified && changed == other.changed;
  }
};

struct LoadCache::State {
  const SourceFiles& sources;
  const std::vector<std::uint32_t>& files;
  std::string default_namespace;
  std::filesystem::path directory, image;
  std::vector<Input> inputs;
  ImageWriter writer;
  std::vector<std::string> chunks;
  std::size_t in_chunk = 0;

  [[nodiscard]] std::uint64_t hash_of(std::size_t i) const { return image_checksum(sources.text(files[i])); }
};

LoadCache::LoadCache(std::string directory, const SourceFiles& sources,
                     const std::vector<std::uint32_t>& files, std::size_t on_disk, const LoadOptions& options,
                     std::int64_t started)
    : state_(new State{sources, files, options.default_namespace, std::move(directory), {}, {}, {}, {}, 0}) {
  std::error_code error;
  std::string name = std::filesystem::current_path(error).string() + '\n' + options.default_namespace;
  for (const std::uint32_t file : files) {
    Input input;
    input.path = sources.path(file);
    input.size = text_bytes(sources, file);
    struct stat info {};
    if (state_->inputs.size() < on_disk && ::stat(input.path.c_str(), &info) == 0 &&
        static_cast<std::uint64_t>(info.st_size) == input.size && S_ISREG(info.st_mode)) {
      const std::int64_t modified = nanoseconds(info.st_mtim), changed = nanoseconds(info.st_ctim);
      if (std::max(modified, changed) < started - kSettled) {
        input.device = info.st_dev;
        input.inode = info.st_ino;
        input.modified = modified;
        input.changed = changed;
      }
    }
    name += '\n' + input.path;
    state_->inputs.push_back(std::move(input));
  }
  state_->image = state_->directory / fmt::format("waypath-{:016x}.image", image_checksum(name));
}

LoadCache::~LoadCache() = default;

bool LoadCache::read(unsigned jobs, const std::function<void(LoadedObject&&)>& take, LoadedRest& rest) {
  State& s = *state_;
  const auto refuse = [&](std::string_view why) {
    remark_ = fmt::format("cache: {} {}; the input is read and the image made anew", s.image.string(), why);
    return false;
  };
  const auto mapped = MappedFile::open(s.image.string());
  if (!mapped) return refuse("is not there");
  const std::string_view whole = mapped->text();
  const std::size_t prefix = kMagic.size() + sizeof(std::uint64_t);
  if (whole.size() < prefix || !whole.starts_with(kMagic)) return refuse("is no image");
  const std::string_view body = whole.substr(prefix);
  if (word_at(whole.data() + kMagic.size()) != image_checksum(body)) return refuse("is damaged");
  try {
    static const std::vector<Symbol> kNone;
    ImageReader head(body, kNone);
    if (head.text() != program()) return refuse("was made by another waypath");
    if (head.text() != s.default_namespace || head.count() != s.inputs.size())
      return refuse("has other inputs");
    for (std::size_t i = 0; i < s.inputs.size(); ++i) {
      Input known;
      head.get(known);
      if (known.path != s.inputs[i].path || known.size != s.inputs[i].size) return refuse("has other inputs");
      if (!known.same_file(s.inputs[i]) && known.hash != s.hash_of(i))
        return refuse(fmt::format("is older than {}", known.path));
    }
    std::vector<std::vector<LineStart>> lines(s.inputs.size());
    head.get(lines);
    if (lines.size() != s.files.size()) return refuse("is not whole");
    std::vector<std::string_view> texts(head.count());
    for (auto& text : texts) text = head.text();
    std::vector<Symbol> symbols(texts.size());
    constexpr std::size_t kGrain = 4096;
    parallel_for_index((texts.size() + kGrain - 1) / kGrain, jobs, [&](std::size_t grain) {
      for (std::size_t i = grain * kGrain; i < std::min((grain + 1) * kGrain, texts.size()); ++i)
        symbols[i] = intern(texts[i]);
    });
    std::vector<std::string_view> chunks(head.count());
    for (auto& chunk : chunks) chunk = head.text();
    ImageReader tail(head.text(), symbols);
    rest.diagnostics.resize(tail.count());
    for (auto& d : rest.diagnostics) d = get_diagnostic(tail);
    tail.get(rest.skipped);
    for (const auto count : kCounts) tail.get(rest.stats.*count);
    if (!head.done() || !tail.done()) return refuse("is not whole");
    for (std::size_t i = 0; i < lines.size(); ++i) know_lines(s.sources, s.files[i], std::move(lines[i]));
    for (std::size_t wave = 0; wave < chunks.size(); wave += kWave) {
      std::vector<std::vector<LoadedObject>> objects(std::min(kWave, chunks.size() - wave));
      parallel_for_index(objects.size(), jobs, [&](std::size_t i) {
        ImageReader in(chunks[wave + i], symbols);
        objects[i].reserve(kChunk);
        while (!in.done()) in.get(objects[i].emplace_back());
      });
      for (auto& chunk : objects)
        for (auto& object : chunk) take(std::move(object));
    }
  } catch (const ImageDamaged& e) {
    return refuse(fmt::format("is damaged ({})", e.what()));
  }
  remark_ = fmt::format("cache: read from {}", s.image.string());
  return true;
}

void LoadCache::add(const LoadedObject& object) {
  State& s = *state_;
  s.writer.put(object);
  if (++s.in_chunk < kChunk) return;
  s.chunks.push_back(s.writer.take());
  s.in_chunk = 0;
}

void LoadCache::write(const LoadedRest& rest) {
  State& s = *state_;
  if (s.in_chunk != 0) s.chunks.push_back(s.writer.take());
  s.writer.number(rest.diagnostics.size());
  for (const Diagnostic& d : rest.diagnostics) put_diagnostic(s.writer, d);
  s.writer.put(rest.skipped);
  for (const auto count : kCounts) s.writer.put(rest.stats.*count);
  const std::string tail = s.writer.take();

  ImageWriter out;
  out.text(program());
  out.text(s.default_namespace);
  out.number(s.inputs.size());
  for (std::size_t i = 0; i < s.inputs.size(); ++i) {
    s.inputs[i].hash = s.hash_of(i);
    out.put(s.inputs[i]);
  }
  out.number(s.files.size());
  for (const std::uint32_t file : s.files) out.put(told_lines(s.sources, file));
  out.number(s.writer.symbols().size());
  for (const Symbol symbol : s.writer.symbols()) out.text(symbol.view());
  out.number(s.chunks.size());
  for (const std::string& chunk : s.chunks) out.text(chunk);
  out.text(tail);
  s.chunks.clear();
  const std::string body = out.take();
  std::array<char, sizeof(std::uint64_t)> checksum{};
  const std::uint64_t sum = image_checksum(body);
  std::memcpy(checksum.data(), &sum, sizeof sum);

  // Another process may write the same image: each writes its own file, and the last whole one stays. An
  // image holds what Secrets say: for its owner alone.
  std::error_code error;
  std::filesystem::create_directories(s.directory, error);
  static std::atomic<unsigned> serial{0};
  const std::string temporary = fmt::format("{}.{}.{}", s.image.string(), ::getpid(), serial++);
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  bool written = file >= 0;
  for (std::string_view part :
       {kMagic, std::string_view(checksum.data(), checksum.size()), std::string_view(body)}) {
    while (written && !part.empty()) {
      const ssize_t n = ::write(file, part.data(), part.size());
      if (n < 0 && errno == EINTR) continue;
      written = n > 0;
      if (written) part.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  const int reason = errno;
  if (file >= 0) written = ::close(file) == 0 && written;
  if (written) written = std::rename(temporary.c_str(), s.image.c_str()) == 0;
  if (written) return;
  if (file >= 0) ::unlink(temporary.c_str());
  remark_ = fmt::format("cache: {} cannot be written: {}", s.image.string(), std::strerror(reason));
}

}  // namespace waypath::model
