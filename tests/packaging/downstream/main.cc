// What a program that embeds waypath starts with: read manifests, report what is wrong with them.

#include <iostream>

#include "model/base/diagnostic.h"
#include "model/base/version.h"
#include "model/yaml/reader.h"

int main() {
  waypath::model::SourceFiles files;
  waypath::model::Diagnostics diagnostics;
  const auto file = files.add("inline.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n");
  const auto documents = waypath::model::yaml::read_documents(files.text(file), file, diagnostics);
  for (const auto& diagnostic : diagnostics.sorted(files)) std::cerr << format_diagnostic(diagnostic, files);
  std::cout << "waypath " << waypath::model::kVersion << ": " << documents.size() << " object\n";
  return diagnostics.has_errors() ? 1 : 0;
}
