#include "scenarios/way_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "model/base/parallel.h"
#include "sim/path/path_verdict.h"

namespace waypath::scenarios {
namespace {

std::string key_of(const sim::PolicyPoint& point) {
  std::string out =
      fmt::format("{} {} {} {} {} {}", static_cast<int>(point.kind), point.ns.view(),
                  point.gateway_name.view(), point.workload_name.view(), point.service.index, point.http);
  for (const auto& label : point.labels.all())
    out += fmt::format(" {}={}", label.key.view(), label.value.view());
  return out;
}

bool routes(const sim::Hop& hop) {
  return hop.kind == sim::HopKind::Gateway || hop.kind == sim::HopKind::Waypoint ||
         hop.kind == sim::HopKind::Sidecar;
}

/// One client class at one address.
class OneWay {
 public:
  OneWay(const sim::Engine& engine, const AskTarget& target, const RequestClassifier& classifier,
         const ClientClass& client, const TargetAddress& address, const SearchOptions& options,
         std::size_t allowance, Way& out)
      : engine_(engine),
        target_(target),
        classifier_(classifier),
        client_(client),
        address_(address),
        options_(options),
        allowance_(allowance),
        out_(out) {}

  void run() {
    ask({});
    // A request may be routed past a point that none before it passed: then its policies count, too.
    for (std::size_t known = SIZE_MAX; known != points_.size() && !done();) {
      known = points_.size();
      const bool routed_before = routed_;
      out_.classes = classifier_.classes(points_, routed_, address_, options_.constraint);
      each_choice(out_.classes, [&](const RequestChoice& choice) {
        if (out_.tried >= allowance_ && !cached(choice)) {
          out_.complete = false;
          return false;
        }
        ask(choice);
        return !done();
      });
      if (routed_ != routed_before) known = SIZE_MAX;
      if (!out_.complete) break;
    }
    if (options_.all)
      each_choice(out_.classes, [&](const RequestChoice& choice) {
        const auto it = answers_.find(text_of(flow(choice)));
        if (it != answers_.end()) out_.answers.emplace_back(choice, it->second);
        return it != answers_.end() || out_.complete;
      });
  }

 private:
  [[nodiscard]] bool done() const { return !options_.all && out_.around.has_value(); }
  [[nodiscard]] sim::Flow flow(const RequestChoice& choice) const {
    return flow_of(client_, address_, choice.empty() ? RequestClasses{} : out_.classes, choice,
                   options_.constraint);
  }
  static std::string text_of(const sim::Flow& flow) {
    std::string out =
        fmt::format("{} {} {} {}", flow.method, flow.to, flow.sni, static_cast<int>(flow.session));
    for (const auto& [name, value] : flow.headers) out += fmt::format("\n{}: {}", name, value);
    for (const auto& token : flow.tokens) {
      out += fmt::format("\ntoken {} {} {} {}", token.issuer, token.subject, token.name,
                         fmt::join(token.audiences, " "));
      add_claims(token.claims, out);
    }
    return out;
  }
  static void add_claims(const std::map<std::string, sim::Claim, std::less<>>& claims, std::string& out) {
    for (const auto& [name, claim] : claims) {
      out += fmt::format("\n{}={} {}(", name, claim.text, fmt::join(claim.list, ","));
      add_claims(claim.object, out);
      out += ")";
    }
  }
  [[nodiscard]] bool cached(const RequestChoice& choice) const {
    return answers_.contains(text_of(flow(choice)));
  }

  void ask(const RequestChoice& choice) {
    sim::Flow request = flow(choice);
    const auto [at, fresh] = answers_.try_emplace(text_of(request));
    if (!fresh) return;
    ++out_.tried;
    model::Diagnostics quiet;
    WayAnswer& answer = at->second;
    const sim::Assume nothing;
    for (const auto& path : sim::build_paths(engine_, request, nothing, quiet)) {
      for (const auto& hop : path.hops) {
        routed_ = routed_ || routes(hop);
        if (hop.point && seen_.insert(key_of(*hop.point)).second) points_.push_back(*hop.point);
      }
      judge(path, request, choice, answer);
    }
  }

  void judge(const sim::Path& path, const sim::Flow& request, const RequestChoice& choice,
             WayAnswer& answer) {
    const bool open_end = path.end.outcome == sim::Outcome::Unknown;
    if (!target_.reached_by(path) && !open_end) {
      if (!out_.no_path) out_.no_path = path.end.reason;
      return;
    }
    answer.leads = answer.leads || !open_end;
    const sim::PathVerdict verdict = sim::judge_path(engine_, path);
    const bool near = std::any_of(options_.points.begin(), options_.points.end(),
                                  [&](const auto& p) { return p.on(engine_, path); });
    const bool passed = near && std::any_of(options_.points.begin(), options_.points.end(),
                                            [&](const auto& p) { return p.passed(engine_, path, verdict); });
    const auto keep = [&](std::optional<WayFinding>& finding) {
      if (!finding) finding = WayFinding{request, choice, verdict};
    };
    switch (verdict.outcome) {
      case sim::Outcome::Allow:
        (passed ? answer.through : answer.around) = true;
        return keep(passed ? out_.through : out_.around);
      case sim::Outcome::Unknown:
        (passed ? answer.unknown_through : answer.unknown_around) = true;
        return keep(passed ? out_.unknown_through : out_.unknown_around);
      case sim::Outcome::Deny:
      case sim::Outcome::Timeout:
      case sim::Outcome::Unreachable:
        return keep(near ? out_.refused_through : out_.refused_around);
    }
  }

  const sim::Engine& engine_;
  const AskTarget& target_;
  const RequestClassifier& classifier_;
  const ClientClass& client_;
  const TargetAddress& address_;
  const SearchOptions& options_;
  std::size_t allowance_;
  Way& out_;
  std::vector<sim::PolicyPoint> points_;
  std::set<std::string> seen_;
  bool routed_ = false;
  std::unordered_map<std::string, WayAnswer> answers_;
};

// Positions of attributes that differ from the plain request, in order; `left` more are still to come.
bool vary(const RequestClasses& classes, RequestChoice& choice, std::size_t from, std::size_t left,
          const std::function<bool(const RequestChoice&)>& fn) {
  if (left == 0) return fn(choice);
  for (std::size_t i = from; i + left <= classes.attributes.size(); ++i) {
    for (std::size_t v = 1; v < classes.attributes[i].values.size(); ++v) {
      choice[i] = v;
      if (!vary(classes, choice, i + 1, left - 1, fn)) return false;
    }
    choice[i] = 0;
  }
  return true;
}

}  // namespace

bool Way::leads() const {
  return around || through || unknown_around || unknown_through || refused_around || refused_through;
}

void each_choice(const RequestClasses& classes, const std::function<bool(const RequestChoice&)>& fn) {
  RequestChoice choice(classes.attributes.size(), 0);
  for (std::size_t differing = 0; differing <= classes.attributes.size(); ++differing)
    if (!vary(classes, choice, 0, differing, fn)) return;
}

WaySearch search_ways(const sim::Engine& engine, const AskTarget& target, const ClientFilter& keep,
                      const SearchOptions& options) {
  WaySearch out;
  out.routes = route_hosts(engine.cluster());
  out.clients = client_classes(engine, target.pods);
  if (keep) {
    std::vector<ClientClass> kept;
    for (auto& client : out.clients)
      if (keep(client)) kept.push_back(std::move(client));
    out.clients = std::move(kept);
  }
  out.addresses = addresses_of(engine, target, out.routes);
  for (std::size_t c = 0; c < out.clients.size(); ++c)
    for (std::size_t a = 0; a < out.addresses.size(); ++a) {
      if (!dialable(out.clients[c], out.addresses[a])) continue;
      Way way;
      way.client = c;
      way.address = a;
      out.ways.push_back(std::move(way));
    }
  for (const auto& route : tcp_routes_to(engine.cluster(), target.services))
    out.left_out.push_back(fmt::format("TCP connections that {} leads in through a gateway", route));
  if (out.ways.empty()) return out;

  const RequestClassifier classifier(engine);
  std::vector<std::size_t> open(out.ways.size());
  for (std::size_t i = 0; i < open.size(); ++i) open[i] = i;
  // What a way does not need of its share goes to those that need more.
  for (std::size_t left = options.budget; !open.empty() && left > 0;) {
    const std::size_t share = std::max<std::size_t>(1, left / open.size());
    model::parallel_for_index(open.size(), options.jobs, [&](std::size_t i) {
      Way& way = out.ways[open[i]];
      const std::size_t before = way.tried;
      Way fresh;
      fresh.client = way.client;
      fresh.address = way.address;
      OneWay(engine, target, classifier, out.clients[way.client], out.addresses[way.address], options,
             before + share, fresh)
          .run();
      way = std::move(fresh);
    });
    std::size_t used = 0;
    for (const auto& way : out.ways) used += way.tried;
    left = used >= options.budget ? 0 : options.budget - used;
    std::vector<std::size_t> unfinished;
    for (const auto i : open)
      if (!out.ways[i].complete) unfinished.push_back(i);
    if (unfinished.size() == open.size() && left < open.size()) left = 0;
    open = std::move(unfinished);
  }
  for (const auto& way : out.ways) out.tried += way.tried;
  if (!open.empty())
    out.left_out.push_back(
        fmt::format("{} of {} client classes at an address: the budget of {} requests is spent", open.size(),
                    out.ways.size(), options.budget));
  std::set<std::string> left_out(out.left_out.begin(), out.left_out.end());
  for (const auto& way : out.ways) left_out.insert(way.classes.left_out.begin(), way.classes.left_out.end());
  out.left_out.assign(left_out.begin(), left_out.end());
  return out;
}

}  // namespace waypath::scenarios
