// Values, path templates, normalisation, tokens and the configuration of authservice, on arbitrary text.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sim/jwt.h"
#include "sim/match/forwarded_for.h"
#include "sim/match/policy_match.h"
#include "sim/match/regex_match.h"
#include "sim/policy/authservice.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

// The first byte chooses, the next tells where the rest is cut in two.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace waypath;
  if (size < 2) return 0;
  const std::string_view all(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t cut = all.empty() ? 0 : data[1] % (all.size() + 1);
  const std::string_view a = all.substr(0, cut), b = all.substr(cut);
  switch (data[0] % 6) {
    case 0:
      require(sim::ValueMatch(a).matches(b) == sim::match_value(a, b));
      break;
    case 1: {
      const sim::RegexMatch regex(sim::path_template_regex(a));
      // Without operators a template is its own text.
      if (!sim::is_path_template(a) && regex.valid()) require(regex.full_match(a));
      (void)regex.full_match(b);
      break;
    }
    case 2:
      for (const auto mode : {model::PathNormalization::Base, model::PathNormalization::MergeSlashes,
                              model::PathNormalization::DecodeAndMergeSlashes}) {
        const auto once = sim::normalized_path(all, mode);
        require(once.find_first_of("?#") == std::string::npos);
      }
      break;
    case 3:
      (void)sim::decode_jwt(all);
      break;
    case 4:
      (void)sim::parse_authservice_config(all);
      break;
    default:
      (void)sim::forwarded_client(sim::PolicyPoint::Kind::GatewayApi, true,
                                  {{"x-forwarded-for", std::string(all)}}, data[1], std::nullopt);
      break;
  }
  return 0;
}
