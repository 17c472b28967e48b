#pragma once

#include <cstdint>

/// Every limit of the product, in one place. Those that users may change are options of
/// `saturn.conf`, and these are their defaults or ceilings.
namespace saturn::limits {

// --- SQLite's own limits (https://www.sqlite.org/limits.html), with its default values ---------
inline constexpr std::uint32_t kLengthMax = 1'000'000'000;     ///< bytes of a text, blob or row
inline constexpr std::uint32_t kSqlLengthMax = 1'000'000'000;  ///< bytes of one SQL text
inline constexpr std::uint32_t kColumnsMax = 2000;
inline constexpr std::uint32_t kExpressionDepthMax = 1000;
inline constexpr std::uint32_t kCompoundSelectMax = 500;
inline constexpr std::uint32_t kParserDepthMax = 2500;
inline constexpr std::uint32_t kFunctionArgumentsMax = 1000;
inline constexpr std::uint32_t kAttachedMax = 10;
inline constexpr std::uint32_t kSessionDatabasesMax = kAttachedMax + 2;  ///< main and temp too
inline constexpr std::uint32_t kLikePatternBytesMax = 50'000;
inline constexpr std::uint32_t kVariableNumberMax = 32'766;
inline constexpr std::uint32_t kTriggerDepthMax = 1000;
inline constexpr std::uint32_t kJoinTablesMax = 64;
inline constexpr std::uint32_t kJsonNestingMax = 1000;  ///< arrays and objects in each other

// --- storage -------------------------------------------------------------------------------------
inline constexpr std::uint32_t kPageSizeMin = 512;
inline constexpr std::uint32_t kPageSizeMax = 65'536;
inline constexpr std::uint32_t kPageSizeDefault = 4096;
inline constexpr std::uint32_t kPageCountMax = 0xffff'fffe;
inline constexpr std::uint32_t kBTreeDepthMax = 20;
inline constexpr std::uint64_t kCacheBytesDefault = 256ULL << 20;
inline constexpr std::uint64_t kCacheBytesMin = 1ULL << 20;
inline constexpr std::uint64_t kMemoryDatabaseCacheBytes = 8ULL << 20;  ///< temp, :memory:
inline constexpr std::uint64_t kDirtyBytesMax = 8ULL << 30;  ///< one transaction's private pages
inline constexpr std::uint32_t kWalCheckpointPages = 1000;  ///< log length that starts a checkpoint
inline constexpr std::uint32_t kCommitGroupMax = 1024;      ///< commits in one WAL transaction
inline constexpr std::uint32_t kCommitGroupBytesMax = 64U << 20;
inline constexpr std::uint32_t kBackupsMax = 4;                ///< of one database at once
inline constexpr std::uint32_t kBackupReadBytes = 256U << 10;  ///< read at once
/// What a backup keeps of pages that were overwritten since it began.
inline constexpr std::uint64_t kBackupKeptBytesMax = 64ULL << 20;
inline constexpr std::uint32_t kReadAheadPages = 32;  ///< that a scan has on their way

// --- runtime
// ---------------------------------------------------------------------------------------
/// Address space, touched as it is needed: the deepest expression (kExpressionDepthMax) and
/// hundreds of views in each other are planned and run on it.
inline constexpr std::uint32_t kFiberStackBytes = 8U << 20;
/// What a query must find left to be parsed or planned; a deeper one in others is an error.
inline constexpr std::uint32_t kFiberStackReserve = kFiberStackBytes / 2;
inline constexpr std::uint32_t kRingEntries = 256;
inline constexpr std::uint32_t kThreadsMax = 256;

// --- executor
// --------------------------------------------------------------------------------------
inline constexpr std::uint32_t kBatchRows = 1024;
inline constexpr std::uint64_t kQueryMemoryMin = 1ULL << 20;  ///< bytes; of a session's statements
inline constexpr std::uint32_t kStatementCacheEntries = 256;  ///< prepared statements per session

// --- server
// ----------------------------------------------------------------------------------------
inline constexpr std::uint32_t kHttpHeaderBytesMax = 16U << 10;
inline constexpr std::uint64_t kHttpBodyBytesMax = 64ULL << 20;
inline constexpr std::uint64_t kResponseBytesMax = 256ULL << 20;
inline constexpr std::uint32_t kConnectionsMax = 4096;
inline constexpr std::uint32_t kStreamsPerConnectionMax = 1024;
inline constexpr std::uint32_t kHttpStreamsMax = 65'536;
inline constexpr std::uint32_t kPipelineRequestsMax = 10'000;
inline constexpr std::uint32_t kBatchStepsMax = 10'000;
inline constexpr std::uint32_t kConditionDepthMax = 100;
inline constexpr std::uint32_t kStoredSqlMax = 1000;  ///< texts per stream or connection
inline constexpr std::uint64_t kStoredSqlBytesMax = 16ULL << 20;
inline constexpr std::uint32_t kJsonDepthMax = 64;

}  // namespace saturn::limits
