import GRDB

/// The tables, as a list of steps that only ever grows. Ids are UUIDv7 as text; times are Unix
/// milliseconds. An endpoint keeps what its agent declared last while that one is away (product.md,
/// section 4): `policies` is a line for each rule; the other columns wait for their declarations.
enum Schema {
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1 accounts, tokens, endpoints") { database in
      try database.execute(sql: first)
    }
    migrator.registerMigration("2 names of CI tokens") { database in
      try database.execute(
        sql: "ALTER TABLE endpoints ADD COLUMN is_temporary INTEGER NOT NULL DEFAULT 0")
    }
    migrator.registerMigration("3 endpoints that were being served") { database in
      try database.execute(sql: third)
    }
    migrator.registerMigration("5 TCP ports") { database in
      try database.execute(sql: fifth)
    }
    return migrator
  }

  private static let first = """
    CREATE TABLE accounts (
      id TEXT PRIMARY KEY NOT NULL,
      name TEXT NOT NULL UNIQUE,
      created_ms INTEGER NOT NULL,
      disabled_ms INTEGER
    ) STRICT;
    CREATE TABLE members (
      id TEXT PRIMARY KEY NOT NULL,
      account TEXT NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
      name TEXT NOT NULL,
      role TEXT NOT NULL,
      created_ms INTEGER NOT NULL,
      UNIQUE (account, name)
    ) STRICT;
    CREATE TABLE installs (
      account TEXT NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
      id TEXT NOT NULL,
      label TEXT NOT NULL,
      first_seen_ms INTEGER NOT NULL,
      last_seen_ms INTEGER NOT NULL,
      PRIMARY KEY (account, id)
    ) STRICT;
    CREATE TABLE tokens (
      id TEXT PRIMARY KEY NOT NULL,
      account TEXT NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
      member TEXT REFERENCES members(id) ON DELETE CASCADE,
      hash TEXT NOT NULL UNIQUE,
      scope TEXT,
      created_ms INTEGER NOT NULL,
      last_used_ms INTEGER,
      revoked_ms INTEGER
    ) STRICT;
    CREATE INDEX tokens_of_account ON tokens (account);
    CREATE TABLE endpoints (
      id TEXT PRIMARY KEY NOT NULL,
      host TEXT NOT NULL,
      path_prefix TEXT NOT NULL DEFAULT '',
      account TEXT NOT NULL REFERENCES accounts(id) ON DELETE RESTRICT,
      is_first INTEGER NOT NULL DEFAULT 0,
      created_ms INTEGER NOT NULL,
      epoch INTEGER NOT NULL DEFAULT 0,
      owner_install TEXT,
      owner_instance TEXT,
      policies TEXT,
      project TEXT,
      inbox_mode TEXT,
      inbox_paths TEXT,
      UNIQUE (host, path_prefix)
    ) STRICT;
    CREATE INDEX endpoints_of_account ON endpoints (account);
    CREATE TABLE released_names (
      host TEXT PRIMARY KEY NOT NULL,
      account TEXT NOT NULL,
      released_ms INTEGER NOT NULL,
      for_ever INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE meta (
      key TEXT PRIMARY KEY NOT NULL,
      value TEXT NOT NULL
    ) STRICT;
    """

  /// 1 while the owner is there: a relay that starts awaits those, and no others.
  private static let third = """
    ALTER TABLE endpoints ADD COLUMN served INTEGER NOT NULL DEFAULT 0;
    UPDATE endpoints SET served = 1 WHERE owner_instance IS NOT NULL;
    """

  /// A TCP endpoint has a port and no host; the label is what its account asks for it with.
  private static let fifth = """
    ALTER TABLE endpoints ADD COLUMN port INTEGER;
    ALTER TABLE endpoints ADD COLUMN port_label TEXT;
    CREATE UNIQUE INDEX endpoints_by_port ON endpoints (port) WHERE port IS NOT NULL;
    CREATE UNIQUE INDEX ports_by_label ON endpoints (account, port_label)
      WHERE port_label IS NOT NULL;
    """
}
