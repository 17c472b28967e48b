#include "protocol/error.hpp"

#include "base/text.hpp"

namespace saturn::protocol {

HranaError make_error(std::string_view code, std::string_view message) {
  return {std::string(message), std::string(code)};
}

HranaError from_engine(const Error& error) {
  const bool in_sql_text = error.code() == Code::error && error.position() >= 0;
  return make_error(in_sql_text ? codes::kSqlInputError : code_name(primary(error.code())),
                    cat("SQLite error: ", error.message()));
}

HranaError from_decoder(const Error& error) {
  return make_error(codes::kProtocolError, error.message());
}

HranaError no_statement() {
  return make_error(codes::kSqlNoStatement, "SQL string does not contain any statement");
}

HranaError many_statements() {
  return make_error(codes::kSqlManyStatements, "SQL string contains more than one statement");
}

HranaError restarted() {
  return make_error(
      codes::kStreamExpired,
      "the server was restarted since this stream was opened, and an open transaction "
      "was rolled back: open a new stream");
}

}  // namespace saturn::protocol
