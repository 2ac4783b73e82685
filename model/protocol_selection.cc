#include "model/protocol_selection.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace waypath::model {
namespace {

constexpr std::array<std::string_view, 13> kNames{"http", "http2",      "grpc",  "grpc-web", "https",
                                                  "tls",  "tcp",        "mongo", "redis",    "mysql",
                                                  "udp",  "http_proxy", "hbone"};

// Ports whose servers speak first: sniffing would wait for bytes that never come.
constexpr std::array<std::uint16_t, 4> kServerFirst{25, 53, 3306, 27017};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

}  // namespace

std::string parse_protocol(std::string_view text) {
  auto name = lower(text);
  return std::find(kNames.begin(), kNames.end(), name) == kNames.end() ? std::string() : name;
}

std::string select_protocol(Protocol protocol, std::string_view name,
                            const std::optional<std::string>& app_protocol, std::uint16_t port) {
  if (protocol == Protocol::Udp) return "udp";
  if (protocol == Protocol::Sctp) return "sctp";
  std::string text = lower(app_protocol ? std::string_view(*app_protocol) : name);
  if (app_protocol) {
    if (text == "kubernetes.io/h2c") return "http2";
    if (text == "kubernetes.io/ws") return "http";
    if (text == "kubernetes.io/wss") return "https";
  }
  const auto dash = text.find('-');
  if (text.substr(0, 8) != "grpc-web" && dash != std::string::npos) text.resize(dash);
  if (text.substr(0, 8) == "grpc-web") text = "grpc-web";
  if (auto known = parse_protocol(text); !known.empty()) return known;
  return std::find(kServerFirst.begin(), kServerFirst.end(), port) != kServerFirst.end() ? "tcp" : "";
}

}  // namespace waypath::model
