#pragma once

#include "pager.hpp"
#include "storage/backup.hpp"

#include <map>
#include <memory>

namespace saturn::storage {

/// The pager's `Backup`. Everything but constants is guarded by the pager's backup_mutex_, which is
/// held while pages are read: what the versions of the snapshot are, and where, does not change
/// meanwhile.
class PagerBackup final : public Backup {
 public:
  explicit PagerBackup(Pager& pager);
  ~PagerBackup() override;

  std::uint32_t page_size() const noexcept override;
  PageNo page_count() const noexcept override { return page_count_; }
  Result<std::size_t> read(MutableByteSpan out) override;

 private:
  friend class Pager;
  /// Pages that are read together: others wait for so long.
  static constexpr std::size_t kPagesMax = 256;

  PageNo run_length(bool is_kept, PageNo most) const;
  Result<PageNo> take(MutableByteSpan out, PageNo most);
  bool wants(PageNo page) const {
    return page >= next_ && page <= page_count_ && !kept_.contains(page);
  }

  Pager& pager_;
  std::uint64_t snapshot_ = 0;
  PageNo page_count_ = 0;
  PageNo next_ = 1;
  /// Pages that a checkpoint has overwritten since, as the snapshot saw them.
  std::map<PageNo, std::unique_ptr<std::uint8_t[]>> kept_;
};

}  // namespace saturn::storage
