#include "scenarios/shard/archive.h"

#include <algorithm>

namespace waypath::scenarios {

void ArchiveWriter::put(const model::SourcePos& pos) {
  number(pos.line);
  if (!pos.known()) return;
  number(pos.column);
  const auto [at, added] = path_of_.emplace(pos.file, static_cast<std::uint32_t>(paths_.size()));
  if (added) paths_.emplace_back(files_ == nullptr ? std::string_view{} : files_->path(pos.file));
  number(at->second);
}

ArchiveReader::ArchiveReader(std::string_view bytes) : rest_(bytes) {
  std::vector<std::string> paths;
  get(paths);
  for (auto& path : paths) files_.add(std::move(path), {});
}

std::uint64_t ArchiveReader::number() {
  std::uint64_t out = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (rest_.empty()) break;
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    out |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
    if ((byte & 0x80U) == 0) return out;
  }
  broken_ = true;
  return 0;
}

std::size_t ArchiveReader::count() {
  const std::uint64_t n = number();
  if (n > rest_.size()) broken_ = true;
  return broken_ ? 0 : static_cast<std::size_t>(n);
}

void ArchiveReader::get(std::string& text) {
  const std::size_t size = count();
  text.assign(rest_.substr(0, size));
  rest_.remove_prefix(size);
}

void ArchiveReader::get(model::Symbol& symbol) {
  std::string text;
  get(text);
  symbol = model::intern(text);
}

void ArchiveReader::get(model::Code& code) {
  model::Symbol text;
  get(text);
  code.text = text.view();  // interned texts live as long as the process
}

void ArchiveReader::get(model::SourcePos& pos) {
  pos = {};
  pos.line = static_cast<std::uint32_t>(number());
  if (!pos.known()) return;
  pos.column = static_cast<std::uint32_t>(number());
  pos.file = static_cast<std::uint32_t>(number()) + 1;  // the table starts with id 1
}

}  // namespace waypath::scenarios
