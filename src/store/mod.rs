//! SQLite: the journal, the cache folded from it, one writer, many readers.
