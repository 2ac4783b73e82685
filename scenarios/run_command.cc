#include "scenarios/run_command.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

extern char** environ;  // NOLINT: POSIX

namespace waypath::scenarios {
namespace {

struct Pipe {
  int read_end = -1, write_end = -1;
  bool open() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    read_end = ends[0];
    write_end = ends[1];
    return true;
  }
  void close_write() {
    if (write_end >= 0) ::close(write_end);
    write_end = -1;
  }
  ~Pipe() {
    if (read_end >= 0) ::close(read_end);
    close_write();
  }
};

// Both at once: a program that fills one pipe waits for its reader.
void drain(int out, int err, CommandResult& result) {
  std::array<pollfd, 2> ends{pollfd{out, POLLIN, 0}, pollfd{err, POLLIN, 0}};
  std::array<char, 1U << 16> buffer{};
  int open = 2;
  while (open > 0) {
    if (::poll(ends.data(), ends.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    for (std::size_t i = 0; i < ends.size(); ++i) {
      if (ends[i].fd < 0 || ends[i].revents == 0) continue;
      const auto got = ::read(ends[i].fd, buffer.data(), buffer.size());
      if (got > 0) {
        (i == 0 ? result.out : result.err).append(buffer.data(), static_cast<std::size_t>(got));
      } else if (got == 0 || errno != EINTR) {
        ends[i].fd = -1;
        --open;
      }
    }
  }
}

}  // namespace

CommandResult run_command(const std::vector<std::string>& command, const std::string& directory) {
  CommandResult result;
  Pipe out, err;
  if (command.empty() || !out.open() || !err.open()) {
    result.err = std::strerror(errno);
    return result;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out.write_end, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.write_end, STDERR_FILENO);
  if (!directory.empty()) posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
  std::vector<char*> arguments;
  std::vector<std::string> own = command;
  for (auto& word : own) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, own.front().c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  out.close_write();
  err.close_write();
  if (failed != 0) {
    result.exit_code = 127;
    result.err = std::strerror(failed);
    return result;
  }
  drain(out.read_end, err.read_end, result);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  result.exit_code = WIFEXITED(status)     ? WEXITSTATUS(status)
                     : WIFSIGNALED(status) ? 128 + WTERMSIG(status)
                                           : -1;
  return result;
}

std::optional<std::string> output_of(const std::vector<std::string>& command, const std::string& directory,
                                     std::string& error) {
  CommandResult result = run_command(command, directory);
  if (result.exit_code == 0) {
    std::fwrite(result.err.data(), 1, result.err.size(), stderr);  // its warnings
    return std::move(result.out);
  }
  // What it says in the end is why.
  std::string why = std::move(result.err);
  while (!why.empty() && (why.back() == '\n' || why.back() == '\r')) why.pop_back();
  why = why.substr(why.rfind('\n') + 1);
  if (result.exit_code == 127)
    error = "there is no program \"" + (command.empty() ? "" : command.front()) + "\" here";
  else if (result.exit_code < 0)
    error = "cannot be started";
  else if (result.exit_code > 128)
    error = "ended by signal " + std::to_string(result.exit_code - 128);
  else
    error = "exit code " + std::to_string(result.exit_code);
  if (!why.empty() && result.exit_code != 127) error += ": " + why;
  return std::nullopt;
}

}  // namespace waypath::scenarios
