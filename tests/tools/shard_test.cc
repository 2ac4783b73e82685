// Shards of test, reach, sweep and replay as processes of their own, merged: bit for bit what the whole run
// prints, with its exit code.

#include "scenarios/shard/shard.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/corpus.h"
#include "tests/support/dice.h"
#include "tests/support/rounds.h"
#include "tests/tools/run.h"

namespace waypath {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

/// A folder of its own, gone at the end.
struct Folder {
  Folder() : path(fs::temp_directory_path() / fmt::format("waypath-shards-{}", ::getpid())) {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return (path / name).string(); }
  fs::path path;
};

// Four blocks of lines and a part of one: connections that agree and that do not, of known and of unknown
// clients, lines that are no record, lines that cannot be read.
std::string write_log(const Folder& folder) {
  const std::string name = folder / "ztunnel.log";
  std::ofstream out(name, std::ios::binary);
  const auto shipped = tests::read_text(tests::source_dir() + "/scenarios/logs/bigbang-waypoint/ztunnel.log");
  std::size_t from = 0;
  for (std::size_t i = 0; i < 17000; ++i) {
    if (from >= shipped.size()) from = 0;
    const auto end = shipped.find('\n', from);
    std::string line = shipped.substr(from, end - from);
    from = end + 1;
    if (i % 997 == 5) line += fmt::format(" src.broken=\"{}", i);
    const auto port = line.find("src.workload=\"");
    if (i % 13 == 0 && port != std::string::npos) line.insert(port + 14, fmt::format("guest{}-", i % 91));
    out << line << "\n";
  }
  return name;
}

pid_t start(const Words& arguments, const std::string& errors) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  const int file = open(errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  dup2(file, STDOUT_FILENO);
  dup2(file, STDERR_FILENO);
  Words all{WAYPATH_BINARY};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& word : all) argv.push_back(word.data());
  argv.push_back(nullptr);
  execv(WAYPATH_BINARY, argv.data());
  _exit(127);
}

int finish(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Words shard(Words command, std::size_t index, std::size_t count, const std::string& out) {
  for (const auto& word : {std::string("--shard"), fmt::format("{}/{}", index, count), std::string("--out"),
                           out, std::string("-q"), std::string("-j1")})
    command.push_back(word);
  return command;
}

struct Fleet {
  std::string verb;
  Words command;
  Words formats;
};

std::vector<Fleet> fleets(const Folder& folder) {
  const std::string log = write_log(folder);
  return {
      {"test",
       {"test", "tests/fleet", "scenarios/paths/waypoint-binding.yaml"},
       {"text", "json", "junit", "tap", "markdown", "sarif", "github"}},
      {"reach",
       {"reach", "-f", "scenarios/clusters/bigbang-waypoint"},
       {"text", "json", "csv", "markdown", "mermaid", "dot"}},
      {"sweep",
       {"sweep", "failures", "-f", "scenarios/clusters/paths", "--scenario", "tests/fleet/shop.yaml"},
       {"text", "json", "markdown"}},
      {"sweep",
       {"sweep", "rollout", "-f", "scenarios/clusters/paths", "--change", "scenarios/rollout/strict.yaml",
        "--change", "scenarios/rollout/enrol-plain.yaml", "--scenario", "tests/fleet/shop.yaml"},
       {"text", "json", "markdown"}},
      {"replay",
       {"replay", log, "scenarios/logs/bigbang-waypoint/envoy.log", "-f",
        "scenarios/clusters/bigbang-waypoint", "--change", "scenarios/bigbang/change-waypoint-gone.yaml"},
       {"text", "json", "markdown", "csv"}},
  };
}

struct Printed {
  int exit_code = 0;
  std::string out;
};
Printed printed(Words command, const std::string& format) {
  for (const std::string word : {"-q", "-o"}) command.push_back(word);
  command.push_back(format);
  const auto r = tests::run(command);
  return {r.exit_code, r.out};
}

Words with(const Words& command, const Words& more) {
  Words out = command;
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

}  // namespace

TEST_CASE("shards as processes of their own merge to the bytes and the exit code of the whole run") {
  fs::current_path(tests::source_dir());
  const Folder folder;
  tests::Dice dice(7);
  for (const Fleet& fleet : fleets(folder)) {
    CAPTURE(fleet.command);
    std::vector<Printed> whole;
    for (const auto& format : fleet.formats) whole.push_back(printed(fleet.command, format));
    REQUIRE(whole.front().exit_code <= 1);
    const std::vector<std::size_t> counts =
        tests::kSanitized ? std::vector<std::size_t>{3} : std::vector<std::size_t>{1, 2, 3, 7, 16};
    for (const std::size_t count : counts) {
      const std::string out = folder / fmt::format("of-{}", count);
      fs::remove_all(out);
      fs::create_directories(out);
      Words files;
      const std::string errors = folder / "errors";
      std::vector<pid_t> running;
      for (std::size_t i = 0; i < count; ++i) {
        running.push_back(start(shard(fleet.command, i, count, out), errors));
        files.push_back(fmt::format("{}/{}-{}-of-{}.shard", out, fleet.verb, i, count));
        if (running.size() < 2 && i + 1 < count) continue;
        for (const pid_t pid : running) {
          const int code = finish(pid);
          INFO(tests::read_text(errors));
          REQUIRE(code == 0);
        }
        running.clear();
      }
      for (std::size_t i = files.size(); i > 1; --i) std::swap(files[i - 1], files[dice.roll(i)]);
      for (std::size_t f = 0; f < fleet.formats.size(); ++f) {
        INFO("-o " << fleet.formats[f] << ", " << count << " shards");
        const auto merged = printed(with({"merge"}, files), fleet.formats[f]);
        CHECK(merged.exit_code == whole[f].exit_code);
        CHECK(merged.out == whole[f].out);
      }
    }
    // The directory stands for the shards in it.
    const auto merged = printed({"merge", folder / "of-3"}, "json");
    CHECK(merged.out == printed(fleet.command, "json").out);
  }
}

TEST_CASE("a shard that is killed leaves nothing, and run again or twice at once the same bytes") {
  fs::current_path(tests::source_dir());
  const Folder folder;
  const std::string errors = folder / "errors";
  for (const Fleet& fleet : fleets(folder)) {
    CAPTURE(fleet.command);
    const std::string out = folder / "0.shard";
    fs::remove(out);
    REQUIRE(finish(start(shard(fleet.command, 0, 2, out), errors)) == 0);
    const auto first = tests::read_text(out);
    fs::remove(out);
    for (const int wait_ms : {0, 5, 20}) {
      const pid_t killed = start(shard(fleet.command, 0, 2, out), errors);
      usleep(static_cast<useconds_t>(wait_ms) * 1000);
      kill(killed, SIGKILL);
      // Killed in time it leaves nothing; a fast machine may have been done.
      if (finish(killed) == 128 + SIGKILL && !fs::exists(out)) continue;
      CHECK(tests::read_text(out) == first);
      fs::remove(out);
    }
    const pid_t one = start(shard(fleet.command, 0, 2, out), errors),
                other = start(shard(fleet.command, 0, 2, out), errors);
    CHECK(finish(one) == 0);
    CHECK(finish(other) == 0);
    CHECK(tests::read_text(out) == first);
  }
}

TEST_CASE("shards that do not belong together are refused with what to do") {
  fs::current_path(tests::source_dir());
  const Folder folder;
  const Words command{"reach", "-q", "-f", "scenarios/clusters/paths"};
  const auto make = [&](Words verb, const std::string& index, const std::string& name) {
    for (const auto& word : {std::string("--shard"), index, std::string("--out"), folder / name})
      verb.push_back(word);
    const auto r = tests::run(verb);
    REQUIRE(r.err == "");
    REQUIRE(r.exit_code == 0);
    return folder / name;
  };
  const auto refused = [](const Words& shards, const std::string& because) {
    const auto r = tests::run(with({"merge"}, shards));
    INFO(r.err);
    CHECK(r.exit_code == 2);
    CHECK(r.out.empty());
    CHECK(r.err.find(because) != std::string::npos);
    CHECK(r.err.find("hint: ") != std::string::npos);
  };
  const auto a = make(command, "0/2", "a"), b = make(command, "1/2", "b");
  CHECK(tests::run({"merge", b, a}).exit_code == 0);
  CHECK(tests::run({"merge", b, a, b}).out == tests::run(command).out);
  refused({a}, "1 of 2 shards are missing: 1");
  refused({a, make(command, "1/3", "c")}, "2 shards and 3");
  refused({a, make(with(command, {"--layer", "netpol"}), "1/2", "d")}, "other arguments");
  refused({a, make({"sweep", "failures", "-q", "-f", "scenarios/clusters/paths"}, "1/2", "e")}, "`sweep`");
  refused({a, b, "README.md"}, "README.md is no shard");
  refused({a, folder / "none"}, "cannot be read");
  refused({folder.path.string()}, "no *.shard");
  refused({a, b, "-o", "junit"}, "`reach`");
  const auto bytes = tests::read_text(b);
  const auto changed = [&](const std::string& name, std::string text) {
    std::ofstream(folder / name, std::ios::binary) << text;
    return folder / name;
  };
  auto damaged = bytes;
  damaged.back() = static_cast<char>(damaged.back() + 1);
  refused({a, changed("f", damaged)}, "is damaged");
  refused({a, changed("g", bytes.substr(0, bytes.size() - 9))}, "is damaged");
  auto older = bytes;
  older.replace(older.find("\"format\": 1"), 11, "\"format\": 9");
  refused({a, changed("h", older)}, "format 9");
  auto version = bytes;
  const auto at = version.find("\"version\": \"") + 12;
  version[at] = '9';
  refused({a, changed("i", version)}, "waypath 9");
  // The same files under other contents.
  fs::copy("scenarios/clusters/paths", folder / "copy");
  const Words of_copy{"reach", "-q", "-f", folder / "copy"};
  const auto before = make(of_copy, "0/2", "j");
  std::ofstream(folder / "copy/more.yaml") << "apiVersion: v1\nkind: Namespace\nmetadata: {name: more}\n";
  refused({before, make(of_copy, "1/2", "k")}, "other input files");
  refused({before, make(of_copy, "0/2", "l")}, "other input files");
}

TEST_CASE("the option --shard is checked before anything is read") {
  const auto says = [](const Words& more, const std::string& what) {
    const auto r = tests::run(with({"reach", "-f", "none"}, more));
    INFO(r.err);
    CHECK(r.exit_code == 2);
    CHECK(r.err.find(what) != std::string::npos);
    CHECK(r.err.find("none cannot") == std::string::npos);
  };
  says({"--shard", "0/2"}, "where to?");
  says({"--shard", "2/2", "--out", "x"}, "there is no shard 2 of 2");
  says({"--shard", "2", "--out", "x"}, "no part of a whole");
  says({"--shard", "a/2", "--out", "x"}, "\"a\" is no index");
  says({"--shard", "0/0", "--out", "x"}, "no number of shards");
  says({"--shard", "0/2", "--out", "nowhere/"}, "no directory nowhere/");
  says({"--shard", "0/2", "--out", "x", "-o", "json"}, "waypath merge");
  unsetenv("JOB_COMPLETION_INDEX");
  says({"--shard", "auto/2", "--out", "x"}, "JOB_COMPLETION_INDEX is not set");
  unsetenv("WAYPATH_SHARDS");
  says({"--shard", "auto", "--out", "x"}, "WAYPATH_SHARDS is not set");
  const auto r = tests::run({"test", "tests/fleet", "--shard", "0/2", "--out", "x", "--fail-fast"});
  CHECK(r.exit_code == 2);
  CHECK(r.err.find("--fail-fast") != std::string::npos);
}

TEST_CASE("every item is of one shard, and shards are of about the same size") {
  for (const std::uint32_t count : {2U, 7U, 16U}) {
    std::vector<int> sizes(count, 0);
    for (int item = 0; item < 1600; ++item) {
      int owners = 0;
      for (std::uint32_t i = 0; i < count; ++i)
        if (scenarios::Shard{i, count}.has(fmt::format("shop/deployment/w{}", item))) {
          ++owners;
          ++sizes[i];
        }
      REQUIRE(owners == 1);
    }
    const int fair = 1600 / static_cast<int>(count);
    for (const int size : sizes) CHECK(std::abs(size - fair) < fair / 2);
  }
}

}  // namespace waypath
