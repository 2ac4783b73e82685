#pragma once
// Label selectors as kubectl's -l takes them.

#include <optional>
#include <string_view>

#include "model/kube/label_selector.h"

namespace waypath::model {

/// "app=web,tier!=db,env in (a,b),!legacy". Nullopt when it is not that.
[[nodiscard]] std::optional<LabelSelector> parse_label_selector(std::string_view text);

}  // namespace waypath::model
