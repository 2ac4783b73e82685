#include "model/yaml/yaml_codes.h"

#include <array>

namespace waypath::model::yaml {

std::span<const CodeInfo> input_codes() {
  constexpr auto kDiagnostic = CodeInfo::Kind::Diagnostic;
  static constexpr std::array kRows{
      CodeInfo{kInputMissing, kDiagnostic, "an input path does not exist",
               "Every path given with -f (or in a scenario's cluster.manifests) has to be a file, a "
               "directory or \"-\".",
               "Check the spelling; relative paths start at the working directory, those in a scenario at "
               "its file.",
               "kubectl apply -f"},
      CodeInfo{kInputUnreadable, kDiagnostic, "an input file cannot be read",
               "The operating system refused to read the file, or it is neither a regular file nor a pipe.",
               "Check its permissions.", "open(2)"},
      CodeInfo{kInputNoManifests, kDiagnostic, "a directory holds no manifests",
               "Directories are searched with everything below them for *.yaml, *.yml and *.json; hidden "
               "entries are left out.",
               "Give the directory that holds the manifests, or the files themselves.", "kubectl apply -f"},
      CodeInfo{kInputNotText, kDiagnostic, "an input file is not UTF-8 text",
               "Manifests are UTF-8 text, as the API server takes them. Archives, UTF-16 and files with "
               "control characters are not.",
               "Unpack the archive, or convert the file to UTF-8.", "yaml.org/spec/1.2.2 section 5.2"},
      CodeInfo{
          kInputTemplate, kDiagnostic, "a file is a template that was not rendered",
          "Helm's actions ({{ ... }}) stand where YAML expects keys and values, or names, labels, ports or "
          "hosts hold them or variables (${NAME}). Values are not known here.",
          "Give what the template renders to: `helm template CHART | waypath ... -f -`, `envsubst`, `flux "
          "build kustomization`.",
          "helm.sh/docs/chart_template_guide"},
      CodeInfo{kYamlSyntax, kDiagnostic, "the text is not YAML",
               "The YAML parser stopped here; nothing of this document is used.",
               "Mend the text; `helm template` output is taken as it is, unrendered templates are not.",
               "yaml.org/spec/1.2.2"},
      CodeInfo{
          kYamlTag, kDiagnostic, "a YAML tag does not fit its value",
          "A value tagged !!int, !!bool, !!float or !!null has to be one; !!binary is not decoded. Tags of "
          "other programs (!vault, !Ref) make a text of their value, as kubectl reads them.",
          "Remove the tag.", "kubernetes-sigs/yaml goyaml.v2/resolve.go"},
      CodeInfo{kYamlKey, kDiagnostic, "a key is not text",
               "Objects of the API are JSON: keys are strings, never lists, mappings or null.",
               "Write the key as text.", "kubernetes-sigs/yaml yaml.go convertToJSONableObject"},
      CodeInfo{kDuplicateKey, kDiagnostic, "a key stands twice in one mapping",
               "Parsers disagree on which value counts, so the document cannot be trusted. The first value "
               "was kept for this run.",
               "Remove one of the two.", "kubernetes-sigs/yaml goyaml.v2/decode.go, strict decoding"},
      CodeInfo{
          kYamlMergeKey, kDiagnostic, "a merge key (<<) cannot be applied, or replaces a key",
          "A merge key takes a mapping or a list of mappings. One that stands behind a key it also gives "
          "replaces it for kubectl; kustomize and others keep the written key.",
          "Put << first in its mapping: there all agree that written keys win.",
          "kubernetes-sigs/yaml goyaml.v2/decode.go, merge"},
      CodeInfo{kYamlAlias, kDiagnostic, "an alias cannot be expanded",
               "Aliases (*name) are expanded as if the anchor's text stood in their place, up to 10 million "
               "nodes in a document and "
               "200 levels of nesting; an anchor cannot hold itself.",
               "Write the value out.", "kubernetes-sigs/yaml goyaml.v2/decode.go, excessive aliasing"},
      CodeInfo{kTooDeep, kDiagnostic, "values are nested too deeply",
               "More than 200 levels of nesting are no manifest.", "Check for a runaway generator.",
               "kubernetes sigs.k8s.io/json (depth limit of decoders)"},
      CodeInfo{kScalarTooLarge, kDiagnostic, "a text value is larger than 16 MiB",
               "The API server takes objects of at most a few MiB; a value of this size is no manifest.",
               "Leave the file out.", "etcd request limit, 1.5 MiB by default"},
      CodeInfo{kJsonSyntax, kDiagnostic, "the text is not JSON",
               "A file whose first character is { or [ is read as JSON: one value, several one after "
               "another, or one a line.",
               "Mend the text.", "RFC 8259"},
  };
  return kRows;
}

}  // namespace waypath::model::yaml
