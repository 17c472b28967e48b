#include "batch.hpp"

namespace saturn::io {

Error given_up_error() {
  return Error(Code::abort, "not started: an earlier operation of the batch failed");
}

Result<void> first_failure(std::span<Op> ops) {
  for (Op& op : ops) {
    if (op.status.has_value()) continue;
    Error error = std::move(op.status).error();
    Error copy = error.clone();
    op.status = std::move(error);
    return copy;
  }
  return {};
}

static void run_one(Op& op) {
  ASSERT(op.file != nullptr);
  switch (op.kind) {
    case Op::Kind::read: {
      Result<std::size_t> n = op.file->read(op.offset, op.read_into);
      if (n) {
        op.transferred = *n;
      } else {
        op.status = std::move(n).error();
      }
      break;
    }
    case Op::Kind::write: {
      const std::span<const ByteSpan> pieces =
          op.write_pieces.empty() ? std::span<const ByteSpan>(&op.write_from, 1) : op.write_pieces;
      op.status = op.durable ? op.file->write_durably(op.offset, pieces)
                             : op.file->writev(op.offset, pieces);
      if (op.status) op.transferred = op.write_bytes();
      break;
    }
    case Op::Kind::sync: op.status = op.file->sync(op.sync_mode); break;
  }
}

Result<void> submit_sequentially(std::span<Op> ops) {
  bool failed = false;
  for (Op& op : ops) {
    op.transferred = 0;
    op.status = {};
    if (failed && op.after_previous) {
      op.status = given_up_error();
      continue;
    }
    run_one(op);
    failed = failed || !op.status;
  }
  return first_failure(ops);
}

}  // namespace saturn::io
