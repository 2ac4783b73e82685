#pragma once
// Gateway API: GatewayClass, Gateway, ListenerSet, ReferenceGrant. API-server defaults are applied while
// decoding.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/kube/label_selector.h"
#include "model/resource.h"

namespace waypath::model {

struct GatewayClass {
  ObjectMeta meta;
  std::string controller_name;
};

enum class FromNamespaces : std::uint8_t { Same, All, Selector, None };

struct RouteNamespaces {
  FromNamespaces from = FromNamespaces::Same;
  LabelSelector selector;
  bool given = false;  // written in the manifest
  SourcePos pos;
};

struct CertificateRef {
  std::string group, kind, name;
  std::optional<std::string> ns;
  SourcePos pos;
};

struct Listener {
  Symbol name;
  std::string hostname;  // empty = any
  std::uint16_t port = 0;
  std::string protocol;  // HTTP, HTTPS, TLS, TCP, UDP, HBONE, as written
  bool has_tls = false;
  std::string tls_mode = "Terminate";  // or Passthrough
  std::vector<CertificateRef> certificate_refs;
  std::string terminate_mode;  // option gateway.istio.io/tls-terminate-mode, as written
  RouteNamespaces allowed_namespaces;
  std::vector<std::pair<std::string, std::string>> allowed_kinds;  // {group, kind}; empty = by protocol
  SourcePos pos;
};

/// What is asked of clients that open TLS (spec.tls.frontend).
struct FrontendValidation {
  std::vector<CertificateRef> ca_refs;  // empty: nothing
  bool insecure_fallback = false;       // mode AllowInsecureFallback: whatever the client presents passes
};

struct GatewayAddress {
  std::string type;  // IPAddress, Hostname
  std::string value;
};

struct Gateway {
  ObjectMeta meta;
  Symbol class_name;
  std::vector<Listener> listeners;
  FrontendValidation frontend;
  std::vector<std::pair<std::uint16_t, FrontendValidation>> frontend_of_port;
  std::vector<GatewayAddress> addresses;         // spec.addresses
  std::vector<GatewayAddress> status_addresses;  // status.addresses
  bool has_status = false;
  bool programmed_false = false;  // condition Programmed=False
  bool infrastructure_labels_given = false;
  std::vector<Label> infrastructure_labels;
  struct ParametersRef {
    std::string group, kind;
    Symbol name;
    SourcePos pos;
  };
  std::optional<ParametersRef> parameters;                  // spec.infrastructure.parametersRef
  FromNamespaces allowed_listeners = FromNamespaces::None;  // ListenerSets
  LabelSelector allowed_listeners_selector;
};

struct ListenerSet {  // gateway.networking.k8s.io ListenerSet and x-k8s.io XListenerSet
  ObjectMeta meta;
  Symbol parent_ns, parent_name;
  std::vector<Listener> listeners;
};

struct ReferenceGrant {
  ObjectMeta meta;
  struct From {
    std::string group, kind;
    Symbol ns;
  };
  struct To {
    std::string group, kind;
    std::optional<std::string> name;
  };
  std::vector<From> from;
  std::vector<To> to;
};

struct BackendTlsPolicy {
  ObjectMeta meta;
  struct Target {
    std::string group, kind;
    Symbol name;
    std::string section_name;
  };
  std::vector<Target> targets;
  std::string hostname;  // SNI, and the certificate's name when no alternative names are listed
  std::vector<std::string> subject_alt_names;  // host names and URIs, of which the certificate must have one
  bool well_known_ca = false;
  std::vector<CertificateRef> ca_refs;
};

}  // namespace waypath::model
