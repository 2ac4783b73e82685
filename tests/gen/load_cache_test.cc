// The cache of loaded input: what an image gives is what reading gives, and an image that is not whole, not
// ours or not of these files is never used.

#include "model/load/load_cache.h"

#include <fmt/format.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

#include "bench/gen/generator.h"
#include "model/base/version.h"
#include "model/load/image_codec.h"
#include "tests/support/dice.h"

namespace waypath::model {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    static int serial = 0;
    path_ = fs::temp_directory_path() / fmt::format("waypath-cache-test-{}-{}", ::getpid(), serial++);
    fs::create_directories(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }
  [[nodiscard]] fs::path operator/(const std::string& name) const { return path_ / name; }
  [[nodiscard]] std::string str() const { return path_.string(); }

 private:
  fs::path path_;
};

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}
std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

template <class... Ts>
void put_all(ImageWriter& out, const Snapshot& snapshot, TypeList<Ts...>) {
  const auto list = [&](const auto& objects) {
    out.number(objects.size());
    for (const auto& object : objects) out.put(*object);
  };
  (list(snapshot.all<Ts>()), ...);
}

// Everything a load tells: every object with its places and the text it stands for, and every line it prints.
struct Told {
  std::string objects, printed, remark;
  std::size_t documents = 0;
};

Told load(const std::string& path, const std::string& cache, unsigned jobs = 1) {
  Diagnostics diagnostics;
  LoadOptions options;
  options.jobs = jobs;
  options.cache_directory = cache;
  LoadStats stats;
  const Snapshot snapshot = load_manifests({path}, options, diagnostics, &stats);
  ImageWriter out;
  put_all(out, snapshot, ResourceTypes{});
  for (const auto& pod : snapshot.all<Pod>())
    if (pod->meta.raw != 0) out.put(snapshot.raw(pod->meta.raw));
  for (const auto& s : snapshot.skipped()) out.put(s);
  Told told;
  told.objects = out.take();
  for (const Symbol s : out.symbols()) told.objects.append(s.view()).push_back('\n');
  for (const auto& d : diagnostics.sorted(snapshot.files()))
    told.printed += format_diagnostic(d, snapshot.files());
  told.remark = stats.cache_remark;
  told.documents = stats.documents;
  return told;
}

void check_same(const Told& a, const Told& b) {
  CHECK(a.objects == b.objects);
  CHECK(a.printed == b.printed);
  CHECK(a.documents == b.documents);
}

bool used(const Told& told) { return told.remark.starts_with("cache: read from"); }

fs::path image_in(const std::string& directory) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(directory)) found.push_back(entry.path());
  REQUIRE(found.size() == 1);
  return found.front();
}

std::string generated(gen::Form form) {
  gen::Parameters p = gen::profile("tenants", "S");
  p.namespaces = 5;
  p.pods = 40;
  p.gateways = 1;
  return gen::text(p, form);
}

constexpr const char* kBroken =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: c, ports: "
    "[{containerPort: 99999}]}]}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: b, lables: {}}\nspec: "
    "{}\n---\n"
    "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n---\napiVersion: "
    "v1\nkind: "
    "Service\nmetadata: {name: s}\nspec: {ports: [{port: 81}]}\n---\na: [\n";

}  // namespace

TEST_CASE("a text that was given counts by what it says, whatever file bears its name") {
  const Folder input, cache;
  const std::string name = (input / "scenario.yaml").string();
  const auto given = [&](const std::string& app) {
    Diagnostics diagnostics;
    LoadOptions options;
    options.cache_directory = cache.str();
    LoadStats stats;
    const std::string text = fmt::format("apiVersion: v1\nkind: Pod\nmetadata: {{name: {}}}\n", app);
    const Snapshot snapshot = load_texts({{name, text}}, options, diagnostics, &stats);
    return std::pair(snapshot.all<Pod>().front()->meta.name().str(),
                     stats.cache_remark.starts_with("cache: read from"));
  };
  write_file(input / "scenario.yaml",
             fmt::format("apiVersion: v1\nkind: Pod\nmetadata: {{name: {}}}\n", "one"));
  fs::last_write_time(input / "scenario.yaml", fs::file_time_type::clock::now() - std::chrono::hours(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(2100));  // or its times are not trusted anyway
  CHECK(given("one") == std::pair(std::string("one"), false));
  CHECK(given("two") == std::pair(std::string("two"), false));
  CHECK(given("two") == std::pair(std::string("two"), true));
}

TEST_CASE("an image gives what reading gives: objects, places, diagnostics") {
  const Folder input, cache;
  write_file(input / "generated.yaml", generated(gen::Form::Documents));
  write_file(input / "list.json", generated(gen::Form::JsonList));  // every object again: duplicates
  write_file(input / "broken.yaml", kBroken);
  std::vector<std::string> paths{input.str()};
  for (const auto& entry : fs::directory_iterator(WAYPATH_SOURCE_DIR "/scenarios/clusters"))
    if (entry.is_directory()) paths.push_back(entry.path().string());
  CHECK(paths.size() > 4);
  for (const auto& path : paths) {
    CAPTURE(path);
    const Told plain = load(path, "");
    const Told first = load(path, cache.str()), second = load(path, cache.str()),
               third = load(path, cache.str(), 2);
    CHECK_FALSE(used(first));
    CHECK(used(second));
    CHECK(used(third));
    for (const Told& told : {first, second, third}) check_same(told, plain);
  }
}

TEST_CASE("an image with any byte changed, or cut anywhere, is refused and made anew") {
  const Folder input, cache;
  write_file(input / "a.yaml", generated(gen::Form::Documents).substr(0, 30'000) + "\n---\n" + kBroken);
  const Told plain = load(input.str(), "");
  static_cast<void>(load(input.str(), cache.str()));
  const fs::path image = image_in(cache.str());
  const std::string whole = read_file(image);
  tests::Dice dice(5);
  const auto refused = [&](const std::string& damaged) {
    write_file(image, damaged);
    const Told told = load(input.str(), cache.str());
    CHECK_FALSE(used(told));
    check_same(told, plain);
  };
  for (int i = 0; i < 60; ++i) {
    std::string damaged = whole;
    const std::size_t at = i < 20 ? static_cast<std::size_t>(i) : dice.roll(whole.size());
    damaged[at] = static_cast<char>(damaged[at] ^ static_cast<char>(1U << dice.roll(8)));
    CAPTURE(at);
    refused(damaged);
  }
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{7}, std::size_t{16}, whole.size() / 2, whole.size() - 1})
    refused(whole.substr(0, size));
  refused(whole + "x");
  CHECK(used(load(input.str(), cache.str())));
}

TEST_CASE("an image of another waypath is refused") {
  const Folder input, cache;
  write_file(input / "a.yaml", generated(gen::Form::Documents));
  static_cast<void>(load(input.str(), cache.str()));
  const fs::path image = image_in(cache.str());
  std::string other = read_file(image);
  const std::size_t at = other.find(fmt::format("waypath {}", kVersion));
  REQUIRE(at != std::string::npos);
  other[at + 8] = '9';
  const std::uint64_t sum = image_checksum(std::string_view(other).substr(16));
  std::memcpy(other.data() + 8, &sum, sizeof sum);
  write_file(image, other);
  const Told told = load(input.str(), cache.str());
  CHECK_FALSE(used(told));
  CHECK_THAT(told.remark, Catch::Contains("another waypath"));
  check_same(told, load(input.str(), ""));
}

TEST_CASE("a file that changed makes its image old, one that was only touched does not") {
  const Folder input, cache;
  const fs::path file = input / "a.yaml";
  const std::string text = generated(gen::Form::Documents);
  write_file(file, text);
  static_cast<void>(load(input.str(), cache.str()));
  CHECK(used(load(input.str(), cache.str())));
  const auto time = fs::last_write_time(file);
  fs::last_write_time(file, time + std::chrono::hours(1));
  CHECK(used(load(input.str(), cache.str())));
  SECTION("to the same size, with its old time") {
    std::string changed = text;
    const std::size_t at = changed.find("containerPort: 8080");
    REQUIRE(at != std::string::npos);
    changed[at + 15] = '9';
    write_file(file, changed);
    fs::last_write_time(file, time);
    const Told told = load(input.str(), cache.str());
    CHECK_FALSE(used(told));
    check_same(told, load(input.str(), ""));
  }
  SECTION("another file beside it") {
    write_file(input / "b.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: more}\n");
    const Told told = load(input.str(), cache.str());
    CHECK_FALSE(used(told));
    check_same(told, load(input.str(), ""));
  }
}

TEST_CASE("loads at the same time leave one whole image") {
  const Folder input, cache;
  write_file(input / "a.yaml", generated(gen::Form::Documents));
  const Told plain = load(input.str(), "");
  std::vector<Told> told(6);
  {
    std::vector<std::jthread> threads;
    for (auto& one : told) threads.emplace_back([&] { one = load(input.str(), cache.str()); });
  }
  for (const Told& one : told) check_same(one, plain);
  static_cast<void>(image_in(cache.str()));
  CHECK(used(load(input.str(), cache.str())));
}

TEST_CASE("a cache that cannot be written is a remark") {
  const Folder input;
  write_file(input / "a.yaml", generated(gen::Form::Documents));
  write_file(input / "file", "");
  const Told told = load((input / "a.yaml").string(), (input / "file").string());
  CHECK_THAT(told.remark, Catch::Contains("cannot be written"));
  check_same(told, load((input / "a.yaml").string(), ""));
}

TEST_CASE("what a load gives does not depend on the number of threads, in any form") {
  const Folder input;
  for (const auto& [name, form] :
       {std::pair{"a.yaml", gen::Form::Documents}, std::pair{"b.yaml", gen::Form::List},
        std::pair{"c.json", gen::Form::JsonList}, std::pair{"d.json", gen::Form::NdJson}}) {
    write_file(input / name, generated(form));
    check_same(load((input / name).string(), "", 1), load((input / name).string(), "", 0));
  }
  check_same(load(input.str(), "", 1), load(input.str(), "", 0));
}

}  // namespace waypath::model
