package main

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"

	_ "github.com/mattn/go-sqlite3"
)

// sqliteStore is a table of SQLite, the C library, clustered by key. Its log is synced with each transaction, and many rows are
// inserted by a statement, which takes a fifth of the time of one each.
type sqliteStore struct {
	db *sql.DB

	mu     sync.Mutex // one writes at a time
	insert *sql.Stmt  // rowsAtOnce of them
	single *sql.Stmt
}

const rowsAtOnce = 100

func openSQLite(dir string) (store, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "events.sqlite")+"?_journal_mode=WAL&_synchronous=FULL&_cache_size=-65536")
	if err != nil {
		return nil, err
	}
	s := &sqliteStore{db: db}
	for _, text := range []string{"PRAGMA page_size = 16384", "PRAGMA mmap_size = 1000000000",
		"CREATE TABLE IF NOT EXISTS events (key BLOB PRIMARY KEY, event TEXT NOT NULL) WITHOUT ROWID"} {
		if _, err := db.Exec(text); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	if s.single, err = db.Prepare("INSERT INTO events VALUES (?, ?)"); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if s.insert, err = db.Prepare("INSERT INTO events VALUES " + strings.Repeat("(?, ?), ", rowsAtOnce-1) + "(?, ?)"); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func (s *sqliteStore) append(batch []entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	tx, err := s.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	insert, single := tx.Stmt(s.insert), tx.Stmt(s.single)
	args := make([]any, 0, 2*rowsAtOnce)
	for ; len(batch) >= rowsAtOnce; batch = batch[rowsAtOnce:] {
		args = args[:0]
		for i := range batch[:rowsAtOnce] {
			args = append(args, batch[i].key[:], batch[i].event)
		}
		if _, err := insert.Exec(args...); err != nil {
			return err
		}
	}
	for i := range batch {
		if _, err := single.Exec(batch[i].key[:], batch[i].event); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (s *sqliteStore) settle() error {
	_, err := s.db.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}

func (s *sqliteStore) scan(descending bool, use func([]byte)) error {
	order := "ASC"
	if descending {
		order = "DESC"
	}
	return s.query("SELECT event FROM events ORDER BY key "+order, use)
}

func (s *sqliteStore) filter(use func([]byte)) error {
	return s.query("SELECT event FROM events WHERE event ->> 'StatusCode' >= 500 ORDER BY key", use)
}

func (s *sqliteStore) query(text string, use func([]byte)) error {
	rows, err := s.db.Query(text)
	if err != nil {
		return err
	}
	defer rows.Close()
	var event sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&event); err != nil {
			return err
		}
		use(event)
	}
	return rows.Err()
}

func (s *sqliteStore) close() error {
	return errors.Join(s.insert.Close(), s.single.Close(), s.db.Close())
}
