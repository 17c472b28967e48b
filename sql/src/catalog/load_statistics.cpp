#include "catalog/load_statistics.hpp"

#include "storage/btree.hpp"
#include "value/stored_text.hpp"

#include <algorithm>
#include <charconv>
#include <string>

namespace saturn::sql {
namespace {

/// SQLite keeps 24 samples an index. More are of no use, and longer ones are not worth their
/// memory.
constexpr std::size_t kSamplesMax = 256;
constexpr std::size_t kSampleBytesMax = 16U << 10;

/// Numbers with blanks between them, up to what is none.
std::vector<std::uint64_t> parse_numbers(std::string_view text) {
  std::vector<std::uint64_t> numbers;
  while (!text.empty()) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) break;
    numbers.push_back(number);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  }
  return numbers;
}

/// By the name that statistics give it: a WITHOUT ROWID table's own tree goes by the table's.
Index* find_index(const Table& table, std::string_view name) {
  for (const auto& index : table.indexes) {
    if (equals_nocase(index->clustered ? table.name : index->name, name)) return index.get();
  }
  return nullptr;
}

class StatisticsLoader {
 public:
  StatisticsLoader(storage::PageSource& source, TextEncoding encoding,
                   const std::function<Table*(std::string_view)>& find)
      : source_(source), encoding_(encoding), find_(find) {}
  Result<void> run() {
    TRY(each_row("sqlite_stat1", &StatisticsLoader::add_stat));
    TRY(each_row("sqlite_stat4", &StatisticsLoader::add_sample));
    for (const Table* table : sampled_) {
      for (const auto& index : table->indexes) sort_samples(*index);
    }
    return {};
  }

 private:
  using AddRow = Result<void> (StatisticsLoader::*)(Table& table);

  Result<void> each_row(std::string_view name, AddRow add) {
    const Table* const from = find_(name);
    if (from == nullptr || from->kind != TableKind::table || from->without_rowid) return {};
    if (from->root == 0) return {};
    storage::BTreeCursor cursor(source_, from->root);
    bool more = TRY(cursor.first());
    while (more) {
      reader_.reset(TRY(cursor.payload()), from->root);
      Table* const table = find_(TRY(text(0)));
      if (table != nullptr) TRY((this->*add)(*table));
      more = TRY(cursor.next());
    }
    return {};
  }

  Result<std::string> text(std::uint32_t column) {
    return stored_name(TRY(reader_.column(column)), encoding_);
  }

  /// "rows rows-per-first-column ..." for an index, or the rows of a table.
  Result<void> add_stat(Table& table) {
    Index* const index = find_index(table, TRY(text(1)));
    std::vector<std::uint64_t> numbers = parse_numbers(TRY(text(2)));
    if (numbers.empty()) return {};
    // A partial index does not have all rows.
    if (index == nullptr || index->where == nullptr) table.row_estimate = numbers[0];
    if (index != nullptr) index->stat = std::move(numbers);
    return {};
  }

  Result<void> add_sample(Table& table) {
    Index* const index = find_index(table, TRY(text(1)));
    if (index == nullptr || index->stat.empty() || index->samples.size() >= kSamplesMax) return {};
    IndexSample sample;
    sample.equal = parse_numbers(TRY(text(2)));
    sample.less = parse_numbers(TRY(text(3)));
    sample.distinct_less = parse_numbers(TRY(text(4)));
    const ValueRef record = TRY(reader_.column(5));
    if (!record.is_blob() || record.bytes().size() > kSampleBytesMax) return {};
    const std::size_t width = index->columns.size();
    if (std::min({sample.equal.size(), sample.less.size(), sample.distinct_less.size()}) < width) {
      return {};
    }
    if (!read_key(record.bytes(), width, sample)) return {};
    index->samples.push_back(std::move(sample));
    if (sampled_.empty() || sampled_.back() != &table) sampled_.push_back(&table);
    return {};
  }

  /// False when the bytes are no record with so many columns.
  bool read_key(std::string_view bytes, std::size_t width, IndexSample& sample) {
    key_reader_.reset({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    const auto count = key_reader_.column_count();
    if (!count || *count < width) return false;
    ValueArena arena;
    for (std::uint32_t i = 0; i < width; ++i) {
      const auto value = key_reader_.column(i);
      if (!value) return false;
      sample.key.emplace_back(from_stored(*value, encoding_, arena));
    }
    return true;
  }

  static void sort_samples(Index& index) {
    std::stable_sort(index.samples.begin(), index.samples.end(),
                     [&](const IndexSample& a, const IndexSample& b) {
                       for (std::size_t i = 0; i < index.columns.size(); ++i) {
                         const IndexColumn& column = index.columns[i];
                         const int order =
                             compare(a.key[i].ref(), b.key[i].ref(), *column.collation);
                         if (order != 0) return (order < 0) != column.descending;
                       }
                       return false;
                     });
  }

  storage::PageSource& source_;
  const TextEncoding encoding_;
  const std::function<Table*(std::string_view)>& find_;
  storage::RecordReader reader_;
  storage::RecordReader key_reader_;
  std::vector<const Table*> sampled_;
};

}  // namespace

Result<void> load_statistics(storage::PageSource& source, TextEncoding encoding,
                             const std::function<Table*(std::string_view)>& find) {
  return StatisticsLoader(source, encoding, find).run();
}

}  // namespace saturn::sql
