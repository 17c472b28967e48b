// The contract of io/vfs.hpp, sentence by sentence, over every backend.

#include "backends.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <cerrno>
#include <random>

using namespace saturn;
using namespace saturn::io;
using saturn::io::test::backends;
using saturn::io::test::Fixture;

namespace {

std::vector<std::uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

std::string content(File& file) {
  std::vector<std::uint8_t> all(file.size().value() + 16);
  const std::size_t n = file.read(0, all).value();
  return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n)};
}

/// Runs `body` over every backend, each in its own section.
template <typename Body>
void over_backends(Body body) {
  for (const auto& backend : backends()) {
    DYNAMIC_SECTION(backend.name) {
      backend.run([&](Fixture& fixture) { body(*fixture.vfs, fixture); });
    }
  }
}

}  // namespace

TEST_CASE("a missing file is cantopen with ENOENT, and create makes it") {
  over_backends([](Vfs& vfs, Fixture& at) {
    auto missing = vfs.open(at.path("a"), {});
    REQUIRE_FALSE(missing);
    CHECK(missing.error().code() == Code::cantopen);
    CHECK(missing.error().sys_errno() == ENOENT);
    CHECK_FALSE(vfs.exists(at.path("a")).value());
    auto file = vfs.open(at.path("a"), {.create = true});
    REQUIRE(file);
    CHECK((*file)->size().value() == 0);
    CHECK(vfs.exists(at.path("a")).value());
    CHECK(vfs.sync_directory(at.path("a")));
    auto again = vfs.open(at.path("a"), {.create = true, .exclusive = true});
    REQUIRE_FALSE(again);
    CHECK(again.error().sys_errno() == EEXIST);
  });
}

TEST_CASE("reads are short only at the end, gaps read as zeros") {
  over_backends([](Vfs& vfs, Fixture& at) {
    auto file = vfs.open(at.path("a"), {.create = true}).value();
    REQUIRE(file->write(5, bytes_of("hello")));
    CHECK(content(*file) == std::string("\0\0\0\0\0hello", 10));
    std::array<std::uint8_t, 8> buffer{};
    CHECK(file->read(8, buffer).value() == 2);
    CHECK(file->read(10, buffer).value() == 0);
    CHECK(file->read(1000, buffer).value() == 0);
    CHECK(file->read(0, {}).value() == 0);
    REQUIRE(file->write(3, {}));
    CHECK(file->size().value() == 10);
  });
}

TEST_CASE("vectors lie one after the other") {
  over_backends([](Vfs& vfs, Fixture& at) {
    auto file = vfs.open(at.path("a"), {.create = true}).value();
    const auto a = bytes_of("abc");
    const auto b = bytes_of("");
    const auto c = bytes_of("defgh");
    const std::array<ByteSpan, 3> out{a, b, c};
    REQUIRE(file->writev(2, out));
    CHECK(content(*file) == std::string("\0\0abcdefgh", 10));
    std::array<std::uint8_t, 4> x{};
    std::array<std::uint8_t, 9> y{};
    const std::array<MutableByteSpan, 2> in{x, y};
    CHECK(file->readv(2, in).value() == 8);
    CHECK(std::string(x.begin(), x.end()) == "abcd");
    CHECK(std::string(y.begin(), y.begin() + 4) == "efgh");

    // More pieces than one system call takes (IOV_MAX is 1024).
    std::vector<ByteSpan> many(3000, ByteSpan(a));
    REQUIRE(file->writev(0, many));
    CHECK(file->size().value() == 9000);
    std::vector<std::uint8_t> back(9000);
    std::vector<MutableByteSpan> pieces;
    for (std::size_t i = 0; i < back.size(); i += 3) pieces.emplace_back(back.data() + i, 3);
    CHECK(file->readv(0, pieces).value() == 9000);
    CHECK(back[8999] == 'c');
  });
}

TEST_CASE("a durable write is a write, alone and in a batch") {
  over_backends([](Vfs& vfs, Fixture& at) {
    auto file = vfs.open(at.path("a"), {.create = true}).value();
    auto frozen = vfs.open(at.path("a"), {.read_only = true}).value();
    const auto one = bytes_of("abc");
    const auto two = bytes_of("defg");
    const ByteSpan pieces[] = {one, two};
    CHECK(frozen->write_durably(0, pieces).code() == Code::readonly);
    REQUIRE(file->write_durably(2, pieces));
    std::vector<Op> ops(2);
    for (Op& op : ops) {
      op.kind = Op::Kind::write;
      op.file = file.get();
      op.durable = true;
    }
    ops[0].offset = 9;
    ops[0].write_pieces = pieces;
    ops[1].offset = 16;
    ops[1].write_from = one;
    REQUIRE(vfs.submit(ops));
    CHECK(ops[0].transferred == 7);
    std::vector<std::uint8_t> read(20);
    REQUIRE(file->read(0, read).value() == 19);
    CHECK(std::string(read.begin() + 2, read.end() - 1) == "abcdefgabcdefgabc");
  });
}

TEST_CASE("truncate cuts, and growing again shows zeros") {
  over_backends([](Vfs& vfs, Fixture& at) {
    auto file = vfs.open(at.path("a"), {.create = true}).value();
    REQUIRE(file->write(0, std::vector<std::uint8_t>(100'000, 'x')));
    REQUIRE(file->truncate(3));
    CHECK(content(*file) == "xxx");
    REQUIRE(file->truncate(70'000));
    std::vector<std::uint8_t> all(70'000, 'y');
    CHECK(file->read(0, all).value() == 70'000);
    CHECK(all[2] == 'x');
    CHECK(std::all_of(all.begin() + 3, all.end(), [](std::uint8_t b) { return b == 0; }));
    REQUIRE(file->allocate(0, 80'000));
    CHECK(file->size().value() == 80'000);
    REQUIRE(file->allocate(10, 10));
    CHECK(file->size().value() == 80'000);
    CHECK(file->sync(SyncMode::data));
    CHECK(file->sync(SyncMode::full));
  });
}

TEST_CASE("a read-only handle refuses to change anything") {
  over_backends([](Vfs& vfs, Fixture& at) {
    vfs.open(at.path("a"), {.create = true}).value()->write(0, bytes_of("abc")).value();
    auto file = vfs.open(at.path("a"), {.read_only = true}).value();
    CHECK(content(*file) == "abc");
    CHECK(file->write(0, bytes_of("x")).code() == Code::readonly);
    CHECK(file->truncate(0).code() == Code::readonly);
    CHECK(file->allocate(0, 10).code() == Code::readonly);
    CHECK(file->lock({0, 1}, LockMode::exclusive).error().code() == Code::ioerr_lock);
    CHECK(content(*file) == "abc");
  });
}

TEST_CASE("a removed name is gone, its handle works on") {
  over_backends([](Vfs& vfs, Fixture& at) {
    auto file = vfs.open(at.path("a"), {.create = true}).value();
    REQUIRE(vfs.remove(at.path("a")));
    CHECK_FALSE(vfs.exists(at.path("a")).value());
    REQUIRE(file->write(0, bytes_of("abc")));
    CHECK(content(*file) == "abc");
    auto again = vfs.remove(at.path("a"));
    REQUIRE_FALSE(again);
    CHECK(again.code() == Code::ioerr_delete);
  });
}

TEST_CASE("locks exclude other handles, never the own one") {
  over_backends([](Vfs& vfs, Fixture& at) {
    auto a = vfs.open(at.path("a"), {.create = true}).value();
    auto b = vfs.open(at.path("a"), {.create = true}).value();
    const LockRange low{0x40000000, 1};
    const LockRange wide{0x40000000, 512};
    CHECK(a->lock(wide, LockMode::shared).value());
    CHECK(b->lock(wide, LockMode::shared).value());
    CHECK_FALSE(a->lock(low, LockMode::exclusive).value());
    CHECK(b->lock(low, LockMode::none).value());
    CHECK(a->lock(low, LockMode::exclusive).value());
    CHECK_FALSE(b->lock(low, LockMode::shared).value());
    CHECK(a->lock(low, LockMode::shared).value());
    CHECK(b->lock(low, LockMode::shared).value());
    b.reset();
    CHECK(a->lock(wide, LockMode::exclusive).value());
    a.reset();
    auto c = vfs.open(at.path("a"), {}).value();
    CHECK(c->lock(wide, LockMode::exclusive).value());
  });
}

TEST_CASE("a batch runs every operation and orders what asks for it") {
  over_backends([](Vfs& vfs, Fixture& at) {
    auto file = vfs.open(at.path("a"), {.create = true}).value();
    const std::vector<std::uint8_t> page(4096, 'p');
    std::vector<Op> ops;
    for (std::uint64_t i = 0; i < 1000; ++i) {
      Op op;
      op.kind = Op::Kind::write;
      op.file = file.get();
      op.offset = i * 4096;
      op.write_from = page;
      ops.push_back(std::move(op));
    }
    Op sync;
    sync.kind = Op::Kind::sync;
    sync.file = file.get();
    sync.after_previous = true;
    ops.push_back(std::move(sync));
    std::vector<std::uint8_t> buffer(8192);
    Op read;
    read.file = file.get();
    read.offset = 999 * 4096;
    read.read_into = buffer;
    read.after_previous = true;
    ops.push_back(std::move(read));
    REQUIRE(vfs.submit(ops));
    CHECK(file->size().value() == 4'096'000);
    CHECK(ops.back().transferred == 4096);
    CHECK(buffer[4095] == 'p');
    CHECK(ops.front().transferred == 4096);
    CHECK(vfs.submit({}));
  });
}

TEST_CASE("a failed operation stops what comes after it, and only that") {
  over_backends([](Vfs& vfs, Fixture& at) {
    auto file = vfs.open(at.path("a"), {.create = true}).value();
    auto frozen = vfs.open(at.path("a"), {.read_only = true}).value();
    const auto text = bytes_of("abc");
    std::vector<Op> ops(3);
    for (Op& op : ops) {
      op.kind = Op::Kind::write;
      op.file = file.get();
      op.write_from = text;
    }
    ops[0].file = frozen.get();
    ops[1].offset = 3;
    ops[2].offset = 100;
    ops[2].after_previous = true;
    CHECK(vfs.submit(ops).code() == Code::readonly);
    CHECK(ops[0].status.code() == Code::readonly);
    CHECK(ops[1].status.code() == Code::ok);
    CHECK(ops[2].status.code() == Code::abort);
    CHECK(file->size().value() == 6);
  });
}

TEST_CASE("a write of a batch takes several buffers") {
  over_backends([](Vfs& vfs, Fixture& at) {
    auto file = vfs.open(at.path("a"), {.create = true}).value();
    const auto one = bytes_of("abc");
    const auto two = bytes_of("defg");
    const ByteSpan pieces[] = {one, two};
    std::vector<Op> ops(2);
    ops[0].kind = Op::Kind::write;
    ops[0].file = file.get();
    ops[0].offset = 2;
    ops[0].write_pieces = pieces;
    ops[1].kind = Op::Kind::sync;
    ops[1].file = file.get();
    ops[1].after_previous = true;
    REQUIRE(vfs.submit(ops));
    CHECK(ops[0].transferred == 7);
    std::vector<std::uint8_t> read(9);
    REQUIRE(file->read(0, read).value() == 9);
    CHECK(std::string(read.begin() + 2, read.end()) == "abcdefg");
  });
}

/// A batch of writes, reads and syncs of which each sees what is ordered before it.
void check_random_batch(Vfs& vfs, Fixture& at, std::mt19937& random) {
  auto file = vfs.open(at.path("a"), {.create = true}).value();
  auto frozen = vfs.open(at.path("a"), {.read_only = true}).value();
  constexpr std::size_t kBlock = 3000;
  std::vector<Op> ops(1 + random() % 12);
  std::vector<std::vector<std::uint8_t>> bytes(ops.size());
  std::vector<std::vector<ByteSpan>> pieces(ops.size());
  const std::size_t fails = random() % 4 == 0 ? random() % ops.size() : ops.size();
  for (std::size_t i = 0; i < ops.size(); ++i) {
    Op& op = ops[i];
    op.file = file.get();
    op.after_previous = i > 0 && random() % 3 != 0;
    bytes[i].assign(kBlock, static_cast<std::uint8_t>(i + 1));
    const bool reads = i > 0 && op.after_previous && ops[i - 1].kind == Op::Kind::write;
    if (i == fails || !reads) {
      op.kind = random() % 4 == 0 && i != fails ? Op::Kind::sync : Op::Kind::write;
      op.offset = i * kBlock;
      pieces[i] = {ByteSpan(bytes[i]).first(1000), ByteSpan(bytes[i]).subspan(1000)};
      op.write_pieces = pieces[i];
      if (i == fails) op.file = frozen.get();
    } else {
      op.offset = (i - 1) * kBlock;
      op.read_into = bytes[i];
    }
  }
  REQUIRE(bool(vfs.submit(ops)) == (fails == ops.size()));
  for (std::size_t i = 0; i < ops.size(); ++i) {
    INFO("operation " << i << " of " << ops.size() << ", " << fails << " fails");
    if (i == fails) {
      CHECK(ops[i].status.code() == Code::readonly);
    } else if (i > fails && ops[i].after_previous) {
      CHECK(ops[i].status.code() == Code::abort);
    } else {
      CHECK(ops[i].status);
      if (ops[i].kind != Op::Kind::sync) CHECK(ops[i].transferred == kBlock);
      if (ops[i].kind == Op::Kind::read) {
        CHECK(bytes[i] == std::vector<std::uint8_t>(kBlock, static_cast<std::uint8_t>(i)));
      }
    }
  }
  file.reset();
  REQUIRE(vfs.remove(at.path("a")));
}

TEST_CASE("random batches keep their order, however short the transfers are") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  over_backends([seed](Vfs& vfs, Fixture& at) {
    std::mt19937 random(seed);
    for (int round = 0; round < 100; ++round) {
#if defined(SATURN_HAVE_URING)
      const std::size_t most[] = {0, 700, 2999};
      Ring::shorten_for_tests(most[random() % 3]);
#endif
      check_random_batch(vfs, at, random);
    }
#if defined(SATURN_HAVE_URING)
    Ring::shorten_for_tests(0);
#endif
  });
}

TEST_CASE("random operations agree with an array of bytes") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  over_backends([seed](Vfs& vfs, Fixture& at) {
    std::mt19937 random(seed);
    auto file = vfs.open(at.path("a"), {.create = true}).value();
    std::vector<std::uint8_t> model;
    for (int step = 0; step < 500; ++step) {
      const std::size_t offset = random() % 200'000;
      const std::size_t size = random() % 20'000;
      if (random() % 16 == 0) {
        REQUIRE(file->truncate(offset));
        model.resize(offset);
      } else if (random() % 2 == 0) {
        const std::vector<std::uint8_t> data(size, static_cast<std::uint8_t>(random()));
        REQUIRE(file->write(offset, data));
        if (size > 0 && model.size() < offset + size) model.resize(offset + size);
        std::copy(data.begin(), data.end(),
                  model.begin() + static_cast<std::ptrdiff_t>(std::min(offset, model.size())));
      } else {
        std::vector<std::uint8_t> data(size);
        const std::size_t want = offset < model.size() ? std::min(size, model.size() - offset) : 0;
        REQUIRE(file->read(offset, data).value() == want);
        REQUIRE(std::equal(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(want),
                           model.begin() + static_cast<std::ptrdiff_t>(want ? offset : 0)));
      }
    }
    REQUIRE(file->size().value() == model.size());
  });
}
