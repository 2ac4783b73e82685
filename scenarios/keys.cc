#include "scenarios/keys.h"

#include <array>

namespace waypath::scenarios {

std::span<const WordTable> key_tables() {
  static const std::array kTables{
      WordTable{"scenario", keys::kScenario},   WordTable{"metadata", keys::kMetadata},
      WordTable{"cluster", keys::kCluster},     WordTable{"sim", keys::kSim},
      WordTable{"assume", keys::kAssume},       WordTable{"extAuthz", keys::kExtAuthz},
      WordTable{"allowWhen", keys::kAllowWhen}, WordTable{"token", keys::kToken},
      WordTable{"flow", keys::kFlow},           WordTable{"http", keys::kHttp},
      WordTable{"expect", keys::kExpect},       WordTable{"leg", keys::kLeg},
      WordTable{"variant", keys::kVariant},     WordTable{"change", keys::kChange},
      WordTable{"command", keys::kCommand},     WordTable{"defaults", keys::kDefaults},
      WordTable{"sources", keys::kSources},     WordTable{"destinations", keys::kDestinations},
      WordTable{"invariant", keys::kInvariant},
  };
  return kTables;
}

std::span<const WordTable> value_tables() {
  static const std::array kTables{
      WordTable{"kind", values::kKind},
      WordTable{"cni", values::kCni},
      WordTable{"tokenState", values::kTokenState},
      WordTable{"session", values::kSession},
      WordTable{"protocol", values::kProtocol},
      WordTable{"tunnel", values::kTunnel},
      WordTable{"outcome", values::kOutcome},
      WordTable{"transport", values::kTransport},
  };
  return kTables;
}

}  // namespace waypath::scenarios
