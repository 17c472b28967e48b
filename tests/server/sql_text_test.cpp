#include "sql_text.hpp"

#include <catch2/catch.hpp>

namespace saturn::server {

TEST_CASE("blanks, comments and semicolons are no statement") {
  for (const char* sql :
       {"", " \t\r\n\f", ";", " ; ;", "-- a", "-- a\n ;", "/* a */", "/* a", "/**/;-- b"}) {
    INFO(sql);
    CHECK(is_blank_sql(sql));
  }
  for (const char* sql : {"a", ";a", "-- a\nb", "/* a */ b", "- - a", "/ * a", "\v"}) {
    INFO(sql);
    CHECK_FALSE(is_blank_sql(sql));
  }
}

TEST_CASE("a statement that ends a transaction is known by its first words") {
  for (const char* sql : {"COMMIT", "end", " -- x\n Commit;", "END TRANSACTION", "commit/**/"}) {
    INFO(sql);
    CHECK(transaction_end(sql) == TransactionEnd::commit);
  }
  for (const char* sql : {"ROLLBACK", ";rollback transaction", "rollback -- to x", "Rollback;to"}) {
    INFO(sql);
    CHECK(transaction_end(sql) == TransactionEnd::rollback);
  }
  for (const char* sql : {"", "ROLLBACK TO x", "rollback transaction to savepoint x", "committed",
                          "endless", "BEGIN", "SELECT 'COMMIT'", "RELEASE x", "\"commit\""}) {
    INFO(sql);
    CHECK(transaction_end(sql) == TransactionEnd::none);
  }
}

}  // namespace saturn::server
