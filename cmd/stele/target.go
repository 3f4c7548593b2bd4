package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
)

const defaultURL = "http://localhost:5341"

// target says which store a command works on. Both unset is the server at defaultURL.
type target struct {
	URL      string `name:"url" placeholder:"URL" env:"STELE_URL" help:"The server to talk to (default ${defaultURL})."`
	Datapath string `placeholder:"DIR" help:"Open the store in this directory instead, which no server may have open."`
	APIKey   string `name:"api-key" placeholder:"KEY" env:"STELE_API_KEY" help:"Sent to the server as X-Seq-ApiKey."`
}

// A door leads to a store: over HTTP, or into a directory.
type door interface {
	// ingest stores a batch: all of it, or with partial its good lines. Without partial the
	// first line that is no event comes with the error that refused the batch.
	ingest(ctx context.Context, b *batch, partial bool) (refusals, error)

	// search finds events and gives their CLEF to yield, whole lines with their newlines, which
	// must not keep it.
	search(ctx context.Context, q searchQuery, yield func(lines []byte) error) (searchNote, error)

	// query writes the answer to a query to w: CSV, or the lines of stele.Rows.WriteLines, which have the hints themselves. An error that is a *queryError or *stele.FilterError points at the place.
	query(ctx context.Context, q queryRequest, w io.Writer) (searchNote, error)

	// tail gives each event that arrives until ctx ends. told is called once, when
	// listening has begun.
	tail(ctx context.Context, filter, signal string, told func(searchNote), yield func(clef []byte) error) error

	// delete deletes events, and returns how many those were.
	delete(ctx context.Context, q deleteQuery) (int64, error)

	signals(ctx context.Context) ([]stele.Signal, error)
	signal(ctx context.Context, id string) (stele.Signal, error)
	createSignal(ctx context.Context, g stele.Signal) (stele.Signal, error)
	updateSignal(ctx context.Context, g stele.Signal) (stele.Signal, error)
	deleteSignal(ctx context.Context, id string) error

	retention(ctx context.Context) ([]stele.RetentionPolicy, error)
	setRetention(ctx context.Context, p stele.RetentionPolicy) error
	removeRetention(ctx context.Context, id string) error
	runRetention(ctx context.Context) ([]stele.Retained, error)

	stats(ctx context.Context) (storeStats, error)

	// backup gives a snapshot to make a backup of, which is held until end is called.
	backup(ctx context.Context) (source stele.BackupSource, end func(), err error)

	close() error
}

// batch is a payload of CLEF lines that belong together.
type batch struct {
	id    string // stays the same when the batch is sent again (R16)
	body  []byte // lines, each with its newline
	lines int
}

// refusals are the lines of a batch that were not stored.
type refusals struct {
	lines []refusedLine // the first of them
	count int           // of all
}

type refusedLine struct {
	line int // in the batch, from 1
	why  string
}

type searchQuery struct {
	filter    string // what a person typed; empty is everything
	signal    string // a signal expression; empty is everything
	count     int    // 0 is all
	ascending bool   // oldest first, not newest first
	from, to  time.Time
}

// searchNote is what is to be told beside the events.
type searchNote struct {
	asText string // why the filter was searched as text; empty if it is an expression
	damage string // what could not be read; empty if nothing
	hints  []string
	cut    fault.Kind // why a query ended before its last row, though its rows so far are there; 0: it did not
}

// access says what a command does to a store that it opens directly.
type access uint8

const (
	reads access = iota
	writes
	changes // a store that is there: a directory that was mistyped does not become one
)

// open opens the door. With reads a directory is opened read-only.
func (t target) open(a access) (door, error) {
	u, err := t.url()
	switch {
	case err != nil:
		return nil, err
	case u == nil:
		return openLocal(t.Datapath, a)
	}
	return newRemote(u, t.APIKey), nil
}

// name is what tells the store apart from others.
func (t target) name() (string, error) {
	u, err := t.url()
	if err != nil {
		return "", err
	}
	if u != nil {
		return strings.TrimRight(u.String(), "/"), nil
	}
	dir, err := filepath.Abs(t.Datapath)
	if err != nil {
		return "", fault.Wrap(err, "", "--datapath %s is no directory", t.Datapath)
	}
	return dir, nil
}

// url returns the server's address, nil for a directory.
func (t target) url() (*url.URL, error) {
	switch {
	case t.Datapath != "" && t.URL != "" && t.URL != os.Getenv("STELE_URL"):
		return nil, fault.New(fault.Invalid, "", "--url and --datapath are given").WithHint("a server, or a directory: choose one")
	case t.Datapath != "":
		return nil, nil
	}
	text := t.URL
	if text == "" {
		text = defaultURL
	}
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fault.New(fault.Invalid, "", "--url %q is not of the form http://HOST:PORT", text)
	}
	return u, nil
}

// closing closes a door after what was done through it, and returns the first error of the two.
func closing(d door, err error) error {
	if e := d.close(); err == nil {
		return e
	}
	return err
}

// eachID does something to what has the ids, says so, and closes the door. It ends with the first that fails.
func eachID(s streams, d door, ids []string, done string, do func(id string) error) (err error) {
	for _, id := range ids {
		if err = do(id); err != nil {
			break
		}
		fmt.Fprintf(s.out, "%s %s\n", id, done)
	}
	return closing(d, err)
}
