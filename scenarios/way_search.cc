#include "scenarios/way_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

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

/// Choices looked at for each request that may be simulated: most are like another one.
constexpr std::size_t kLookedAt = 8;
const WayAnswer kNothing;

/// One client class at one address.
class OneWay {
 public:
  OneWay(const sim::Engine& engine, const AskTarget& target, const std::vector<RouteHosts>& routes,
         const RequestClassifier& classifier, const ClientClass& client, const TargetAddress& address,
         const SearchOptions& options, std::size_t allowance, Way& out)
      : engine_(engine),
        target_(target),
        all_routes_(routes),
        classifier_(classifier),
        client_(client),
        address_(address),
        options_(options),
        allowance_(allowance),
        out_(out) {}

  void run() {
    (void)ask({});
    // A request may be routed past a point that none before it passed: then its policies count, too. Where a
    // path is rewritten before another route reads it, each path counts.
    while (!done()) {
      const std::size_t known = points_.size();
      const std::size_t rewritten = rewritten_;
      const bool routed = routed_, opaque = opaque_;
      begin(known);
      std::size_t looked_at = 0;
      each_choice(out_.classes, [&](const RequestChoice& choice) {
        if (++looked_at > kLookedAt * allowance_) return out_.complete = false;
        if (find(choice) == nullptr) {
          const auto asked = answers_.find(text_of(flow(choice)));
          if (asked == answers_.end() && out_.tried >= allowance_) return out_.complete = false;
          learn(choice, asked == answers_.end() ? ask(choice) : asked->second);
        }
        return !done();
      });
      if (!out_.complete ||
          (known == points_.size() && rewritten == rewritten_ && routed == routed_ && opaque == opaque_))
        break;
    }
    if (options_.all)
      each_choice(out_.classes, [&](const RequestChoice& choice) {
        const WayAnswer* answer = find(choice);
        if (answer == nullptr)
          if (const auto it = answers_.find(text_of(flow(choice))); it != answers_.end())
            answer = &it->second.answer;
        if (answer != nullptr) out_.answers.emplace_back(choice, *answer);
        return out_.complete || (answer != nullptr && out_.answers.size() < kLookedAt * allowance_);
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

  /// What is known of a request that was simulated.
  struct Asked {
    WayAnswer answer;
    std::vector<std::size_t> points;  // on its paths: positions in points_, sorted
    bool arrives = false;             // at the target, or where it ends is not told
    bool opaque = false;              // the classes do not tell which other requests go the same way
  };
  /// Requests that all routes take alike pass the same points; those that the policies there take alike, too,
  /// have one answer. Where the way does not end in the target, policies do not count.
  using Likeness = std::vector<std::uint32_t>;
  struct Passed {
    std::vector<std::size_t> points;
    bool arrives = false;
    friend bool operator==(const Passed&, const Passed&) = default;
  };

  [[nodiscard]] Likeness to_routes(const RequestChoice& choice) const {
    Likeness out;
    for (std::size_t i = 0; i < choice.size(); ++i)
      out.push_back(out_.classes.attributes[i].values[choice[i]].route);
    return out;
  }
  [[nodiscard]] Likeness to_all(const RequestChoice& choice, const std::vector<std::size_t>& points) const {
    Likeness out = to_routes(choice);
    for (std::size_t i = 0; i < choice.size(); ++i) {
      const auto& value = out_.classes.attributes[i].values[choice[i]];
      for (const auto point : points) out.push_back(value.at[point]);
    }
    return out;
  }

  void begin(std::size_t known) {
    classed_ = known;
    out_.classes = classifier_.classes(points_, routed_, !opaque_, address_, options_.constraint);
    passed_.clear();
    alike_.clear();
  }
  [[nodiscard]] const WayAnswer* find(const RequestChoice& choice) const {
    const auto passed = passed_.find(to_routes(choice));
    if (passed == passed_.end()) return nullptr;
    if (!passed->second.arrives) return &kNothing;
    const auto it = alike_.find(to_all(choice, passed->second.points));
    return it == alike_.end() ? nullptr : &it->second;
  }
  void learn(const RequestChoice& choice, const Asked& asked) {
    if (opaque_ || asked.opaque) return;
    // A point that is not in the classes yet is in those of the next round.
    if (asked.arrives && !asked.points.empty() && asked.points.back() >= classed_) return;
    const Passed passed{asked.arrives ? asked.points : std::vector<std::size_t>(), asked.arrives};
    const auto [it, fresh] = passed_.emplace(to_routes(choice), passed);
    if (it->second != passed)
      opaque_ = true;
    else if (asked.arrives)
      alike_.emplace(to_all(choice, passed.points), asked.answer);
  }

  const Asked& ask(const RequestChoice& choice) {
    sim::Flow request = flow(choice);
    const auto [at, fresh] = answers_.try_emplace(text_of(request));
    if (!fresh) return at->second;
    ++out_.tried;
    model::Diagnostics quiet;
    Asked& asked = at->second;
    const sim::Assume nothing;
    std::set<std::size_t> points;
    const auto paths = sim::build_paths(engine_, request, nothing, quiet);
    if (paths.empty() && out_.not_sent.empty())
      out_.not_sent = quiet.empty() ? "it has no path" : quiet.items().front().message;
    for (const auto& path : paths) {
      for (const auto& hop : path.hops) {
        routed_ = routed_ || routes(hop);
        asked.opaque = asked.opaque || changed(hop, request, choice);
        if (!hop.point) continue;
        const auto [known, added] = seen_.emplace(key_of(*hop.point), points_.size());
        if (added) points_.push_back({*hop.point});
        points.insert(known->second);
        auto& point = points_[known->second];
        if (point.rewritten || !hop.point->http || address_.url + hop.request.path == request.to) continue;
        point.rewritten = true;
        ++rewritten_;
      }
      asked.opaque = asked.opaque || !routes_known(path);
      judge(path, request, choice, asked);
    }
    asked.points.assign(points.begin(), points.end());
    opaque_ = opaque_ || asked.opaque;
    return asked;
  }

  /// Whether the routes of every Envoy that chooses on this path are among those of the address: else
  /// requests that these take alike may go different ways.
  [[nodiscard]] bool routes_known(const sim::Path& path) const {
    using Kind = TargetAddress::Kind;
    const bool at_gateway = address_.kind == Kind::GatewayHost || address_.kind == Kind::GatewayInside;
    const bool by_service = address_.kind == Kind::Service || address_.kind == Kind::ClusterIp;
    const auto listed = [&](const RouteHosts& route) {
      return std::find(address_.routes.begin(), address_.routes.end(), &route) != address_.routes.end();
    };
    bool gateway = false;
    for (std::size_t i = 0; i < path.hops.size(); ++i) {
      const auto& hop = path.hops[i];
      if (hop.kind == sim::HopKind::Gateway && (std::exchange(gateway, true) || !at_gateway)) return false;
      const bool own = hop.kind == sim::HopKind::Sidecar && i == 1 && hop.pod == path.hops.front().pod;
      if ((own && !by_service) || hop.kind == sim::HopKind::Waypoint)
        for (const auto& route : all_routes_) {
          const bool read =
              own || !hop.point || !hop.point->service.valid()
                  ? !route.parents.empty()
                  : std::binary_search(route.parents.begin(), route.parents.end(), hop.point->service);
          if (read && !listed(route)) return false;
        }
    }
    return true;
  }

  /// Whether a hop sees something that depends on the request by more than its classes: a path that was
  /// rewritten and is routed by once more, a header to which a value was added.
  [[nodiscard]] bool changed(const sim::Hop& hop, const sim::Flow& request,
                             const RequestChoice& choice) const {
    if (!hop.point || !hop.point->http) return false;
    using Kind = RequestAttribute::Kind;
    bool path_counts = choice.empty();
    for (std::size_t i = 0; i < choice.size(); ++i) {
      const auto& attribute = out_.classes.attributes[i];
      if (attribute.kind == Kind::Path)
        path_counts = plain_path(engine_.cluster(), attribute.values[choice[i]].text);
      if (attribute.kind != Kind::Header) continue;
      const auto& headers = hop.request.headers;
      if (std::count_if(headers.begin(), headers.end(),
                        [&](const auto& h) { return h.first == attribute.key; }) > 1)
        return true;
    }
    const bool routes = hop.kind == sim::HopKind::Gateway || hop.kind == sim::HopKind::Waypoint;
    return path_counts && routes && address_.url + hop.request.path != request.to;
  }

  /// A workload of a namespace that is asked about dials itself: nothing comes to it from another.
  [[nodiscard]] bool to_itself(const sim::Path& path) const {
    if (!target_.whole_namespace || path.hops.empty()) return false;
    const auto from = path.hops.front().pod, to = path.hops.back().pod;
    if (!from.valid() || !to.valid() || path.hops.back().kind != sim::HopKind::Application) return false;
    const auto& sender = engine_.cluster().pod(from);
    const auto& receiver = engine_.cluster().pod(to);
    return from == to ||
           (sender.meta.ns() == receiver.meta.ns() && !sender.workload_name.empty() &&
            sender.workload_name == receiver.workload_name && sender.workload_kind == receiver.workload_kind);
  }

  void judge(const sim::Path& path, const sim::Flow& request, const RequestChoice& choice, Asked& asked) {
    WayAnswer& answer = asked.answer;
    const bool open_end = path.end.outcome == sim::Outcome::Unknown;
    // What is dialled there is the target, whatever the path knows of it.
    const bool outside = address_.kind == TargetAddress::Kind::Outside && !path.hops.empty() &&
                         path.hops.back().kind == sim::HopKind::Address &&
                         path.end.outcome == sim::Outcome::Allow && path.end.response.status == 0;
    if (to_itself(path)) return;
    if (!target_.reached_by(path) && !outside && !open_end) {
      if (!out_.no_path) out_.no_path = path.end.reason;
      return;
    }
    asked.arrives = true;
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
  const std::vector<RouteHosts>& all_routes_;
  const RequestClassifier& classifier_;
  const ClientClass& client_;
  const TargetAddress& address_;
  const SearchOptions& options_;
  std::size_t allowance_;
  Way& out_;
  std::vector<PassedPoint> points_;
  std::map<std::string, std::size_t> seen_;  // their positions
  std::size_t rewritten_ = 0;                // how many of them see a rewritten path
  bool routed_ = false, opaque_ = false;
  std::unordered_map<std::string, Asked> answers_;  // by the request
  // Of the classes at hand:
  std::size_t classed_ = 0;  // points that they know
  std::map<Likeness, Passed> passed_;
  std::map<Likeness, WayAnswer> alike_;
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

// Addresses that stand for one that the manifests do not tell: requests that some of them let through may get
// through.
void settle_stand_ins(const std::vector<TargetAddress>& addresses, std::vector<Way>& ways) {
  std::map<std::tuple<std::size_t, std::string, std::string>, std::vector<Way*>> groups;
  for (auto& way : ways) {
    const auto& address = addresses[way.address];
    if (address.stands_for.empty()) continue;
    const auto& url = address.url;
    groups[{way.client, address.stands_for, url.substr(0, url.find(':')) + url.substr(url.rfind(':'))}]
        .push_back(&way);
  }
  for (const auto& [key, group] : groups) {
    if (std::all_of(group.begin(), group.end(), [](const Way* way) { return way->around.has_value(); }))
      continue;
    for (Way* way : group) {
      if (!way->around) continue;
      way->around->path.missing_facts.push_back("the address of host " + std::get<1>(key));
      way->unknown_around = std::exchange(way->around, std::nullopt);
      for (auto& [choice, answer] : way->answers) {
        answer.unknown_around = answer.unknown_around || answer.around;
        answer.around = false;
      }
    }
  }
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
  // Without a filter a namespace is asked about from outside it.
  out.clients = client_classes(engine, target.pods, target.whole_namespace && keep != nullptr);
  if (keep) {
    std::vector<ClientClass> kept;
    for (auto& client : out.clients)
      if (keep(client)) kept.push_back(std::move(client));
    out.clients = std::move(kept);
    if (out.clients.empty()) out.left_out.emplace_back("requests of what is asked about to itself");
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
  const auto leading = leading_services(target, out.routes);
  for (const auto& route : tcp_routes_to(engine.cluster(), leading))
    out.left_out.push_back(fmt::format("TCP connections that {} leads in through a gateway", route));
  // A proxy sends them itself, whatever becomes of the request. Source: istio
  // pilot/pkg/networking/core/route/route.go TranslateRequestMirrorPolicy
  for (const auto& [route, id] : mirrors_to(out.routes, leading)) {
    const auto& to = engine.cluster().service(id);
    out.left_out.push_back(
        fmt::format("copies of requests that {} sends to {}", route,
                    to.service != nullptr ? to.service->meta.key.str() : "host " + to.host));
  }
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
      OneWay(engine, target, out.routes, classifier, out.clients[way.client], out.addresses[way.address],
             options, before + share, fresh)
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
  settle_stand_ins(out.addresses, out.ways);
  for (const auto& way : out.ways) out.tried += way.tried;
  if (!open.empty())
    out.left_out.push_back(
        fmt::format("{} of {} client classes at an address: the budget of {} requests is spent", open.size(),
                    out.ways.size(), options.budget));
  std::set<std::string> left_out(out.left_out.begin(), out.left_out.end());
  for (auto& way : out.ways)
    if (!way.not_sent.empty()) {
      way.complete = false;
      left_out.insert(fmt::format("{}: {}", out.addresses[way.address].about, way.not_sent));
    }
  for (const auto& way : out.ways) left_out.insert(way.classes.left_out.begin(), way.classes.left_out.end());
  out.left_out.assign(left_out.begin(), left_out.end());
  return out;
}

}  // namespace waypath::scenarios
