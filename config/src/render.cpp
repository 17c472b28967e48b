#include "base/text.hpp"
#include "config/config.hpp"

#include <algorithm>

namespace saturn::config {

namespace {

constexpr std::size_t kColumns = 80;

/// `text` broken at spaces, each line behind `prefix` and at most `kColumns` wide where its words
/// allow it.
std::string wrapped(std::string_view prefix, std::string_view text) {
  std::string out(prefix);
  std::size_t column = prefix.size();
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (column > prefix.size() && column + 1 + word.size() > kColumns) {
      out += cat('\n', prefix);
      column = prefix.size();
    } else if (column > prefix.size()) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out + '\n';
}

/// What stands for the value in a synopsis.
std::string placeholder(const Option& o) {
  switch (o.type) {
    case Type::address: return "HOST:PORT";
    case Type::directory: return "DIRECTORY";
    case Type::integer: return o.unit == "ms" ? "MILLISECONDS" : "NUMBER";
    case Type::bytes: return "BYTES";
    case Type::choice: break;
  }
  std::string out;
  for (const std::string_view choice : o.choices) out += cat(out.empty() ? "" : "|", choice);
  return out;
}

std::string capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 32);
  return text;
}

std::string reload_sentence(const Option& o) {
  return o.reloadable ? "A reload (SIGHUP) can change it." : "A change needs a restart.";
}

/// Roff's escapes, and no control character at the start of a line.
std::string roff(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  if (out.starts_with('.') || out.starts_with('\'')) out.insert(0, "\\&");
  return out;
}

}  // namespace

std::string help_text() {
  std::string out =
      "Usage: saturnd [--config FILE] [OPTION...]\n"
      "\n"
      "  --config FILE\n"
      "      Read FILE, then the *.conf files of the directory conf.d beside it.\n"
      "  --check-config\n"
      "      Read the configuration, say whether it is good, and exit.\n"
      "  --print-config\n"
      "      Print every value and where it comes from, and exit.\n"
      "  --probe-vfs\n"
      "      Print what the kernel offers for I/O and which backend is taken, and exit.\n"
      "  --help\n"
      "      Print this text, and exit.\n"
      "  --version\n"
      "      Print the version, and exit.\n"
      "\n"
      "Each option is also a key of the configuration file (data_dir = X) and an\n"
      "environment variable (SATURN_DATA_DIR=X). A flag wins over a variable, and a\n"
      "variable over a file.\n"
      "\n";
  for (const Option& o : options()) {
    out += cat("  ", flag_name(o), ' ', placeholder(o), '\n');
    out += wrapped("      ", cat(o.help, " Default: ", o.default_text, '.'));
  }
  return out;
}

std::string sample_text() {
  std::string out =
      "# saturn.conf: the configuration of saturnd; see saturn.conf(5).\n"
      "# Every option stands here with its default. The files conf.d/*.conf beside this\n"
      "# one, SATURN_* environment variables and flags override it.\n";
  for (const Option& o : options()) {
    out += '\n';
    out += wrapped("# ", o.help);
    out += wrapped("# ", cat(capitalised(accepted(o)), ". ", reload_sentence(o)));
    out += cat('#', o.name, " = ", quoted_where_needed(o.default_text), '\n');
  }
  return out;
}

std::string manual_text() {
  std::string out = cat(
      ".TH SATURN.CONF 5 \"\" \"saturn " SATURN_VERSION
      "\" \"File formats\"\n"
      ".SH NAME\n"
      "saturn.conf \\- configuration of the Saturn SQL database server\n"
      ".SH DESCRIPTION\n"
      ".B saturnd\n"
      "takes each option from these places, a later one overriding an earlier one:\n"
      "its default; the file that\n"
      ".B \\-\\-config\n"
      "names; the files\n"
      ".I conf.d/*.conf\n"
      "beside that file, in the order of their names; the environment; the command line.\n"
      "The option\n"
      ".B data_dir\n"
      "is the variable\n"
      ".B SATURN_DATA_DIR\n"
      "and the flag\n"
      ".BR \\-\\-data\\-dir .\n"
      ".PP\n"
      ".B saturnd \\-\\-print\\-config\n"
      "prints every value and where it comes from.\n"
      ".SH SYNTAX\n"
      "A line is empty, a comment or\n"
      ".IR \"key \" = \" value\" .\n"
      "A comment begins with # at the start of a line or after a space. A value in double\n"
      "quotes may hold # and spaces at its ends; in it \\e\" is a quote and \\e\\e a backslash.\n"
      "An unknown key, a key that one file sets twice and a value that is not accepted are\n"
      "errors, and the server does not start.\n"
      ".SH OPTIONS\n");
  for (const Option& o : options()) {
    out += cat(".TP\n.BR ", roff(o.name), " \" (default: \" ", roff(o.default_text), " )\n");
    out += cat(roff(o.help), "\n.br\n", roff(capitalised(accepted(o))), ".\n",
               roff(reload_sentence(o)), '\n');
  }
  return out;
}

std::string print_text(const Config& config) {
  std::string out;
  for (const Option& o : options()) {
    const Setting& s = config.setting(o.id);
    out += cat(o.name, " = ", quoted_where_needed(s.value.text), "  # ", s.source, '\n');
  }
  return out;
}

}  // namespace saturn::config
