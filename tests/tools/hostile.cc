#include "tests/tools/hostile.h"

namespace waypath::tests {

const std::vector<std::string>& hostile_names() {
  static const std::vector<std::string> names{
      "a\"]; click h0 call alert(1)",
      "a\n  h0 --> evil",
      "%%{init: {'securityLevel': 'loose'}}%%",
      "end",
      "x end",
      "END",
      "<img src=x onerror=alert(1)>",
      "</script><script>alert(1)</script>",
      "<!-- a --><b>",
      "`**md**`",
      "a;b#35;c",
      "#35;",
      "&quot;&lt;b&gt;",
      "a|b",
      "a --> b",
      "subgraph evil",
      "style:x#1;",
      "classDef a:b#1;",
      "linkStyle 0 stroke:red",
      "javascript:alert(1)",
      "\\\" ];\n evil -> evil2 [label=\"",
      "back\\",
      "a\x1b[2Jb",
      "@{shape: rounded}",
      "$$x^2$$",
      "wrap: a",
      "1. a",
      "- a",
      "o--o x--x",
      "{{a}} ${b} {c}",
      "'",
      "\u202egnp.exe",
      "Ünïcödé-名前-🚀",
      "node",
      "loop",
  };
  return names;
}

std::string without_control_characters(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  return text;
}

}  // namespace waypath::tests
