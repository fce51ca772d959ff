// Package migrations holds the database schema, one numbered pair of SQL files
// for each change, for PostgreSQL and for SQLite.
package migrations

import "embed"

// FS holds the folders postgresql and sqlite.
//
//go:embed postgresql/*.sql sqlite/*.sql
var FS embed.FS
