package server

import (
	"crypto/rand"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
)

// Backups are made by whoever wants them: the server pins a snapshot, says which files it is made of, and gives pieces of these. It
// writes nothing and remembers nothing but the pin, which goes by itself when nobody asks for anything any more.

const (
	backupPins  = 16               // at a time
	backupLease = 5 * time.Minute  // after the last request for it a pin goes,
	backupYield = 10 * time.Second // and after so long if there are too many
	backupPiece = 1 << 20          // most bytes of one answer
)

// pins are the snapshots that backups are being made of; safe for concurrent use.
type pins struct {
	most         int // constants but for tests
	lease, yield time.Duration
	defect       func(error)

	mu  sync.Mutex
	all map[string]*pin
}

type pin struct {
	view   *stele.BackupView
	inside int       // requests that read from it
	used   time.Time // when the last of these ended
	ends   *time.Timer
	gone   bool // as soon as nobody is inside
}

func newPins(defect func(error)) *pins {
	return &pins{defect: defect, most: backupPins, lease: backupLease, yield: backupYield, all: map[string]*pin{}}
}

// add keeps a view, which it closes if there are too many, and gives it a name.
func (p *pins) add(view *stele.BackupView) (id string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.all) >= p.most && !p.evict() {
		_ = view.Close() // never fails
		return "", fault.New(fault.Exhausted, "", "%d backups are being made already", len(p.all)).WithHint("try again when one has ended")
	}
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand
	id = hex.EncodeToString(b[:])
	p.all[id] = &pin{view: view, used: time.Now(), ends: time.AfterFunc(p.lease, fault.Guarded("forget backup", func() { p.remove(id) }, p.defect))}
	return id, nil
}

// evict lets go of the pin that nobody has used for longest, if that is long enough. p.mu is held.
func (p *pins) evict() bool {
	oldest := ""
	for id, one := range p.all {
		if one.inside == 0 && time.Since(one.used) >= p.yield && (oldest == "" || one.used.Before(p.all[oldest].used)) {
			oldest = id
		}
	}
	return p.drop(oldest)
}

// use calls f with the view of that name, which lives on for another lease.
func (p *pins) use(id string, f func(*stele.BackupView) error) error {
	p.mu.Lock()
	one := p.all[id]
	if one != nil {
		one.ends.Stop()
		one.inside++
	}
	p.mu.Unlock()
	if one == nil {
		return fault.New(fault.NotFound, "", "there is no backup %q under way", clip(id, 40)).WithHint("nobody asked for it for too long, or it has ended: begin again")
	}
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		one.used = time.Now()
		if one.inside--; one.inside > 0 {
			return
		}
		if one.gone {
			_ = one.view.Close() // never fails
		} else {
			one.ends.Reset(p.lease)
		}
	}()
	return f(one.view)
}

// remove lets a view go, and reports whether there was one.
func (p *pins) remove(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.drop(id)
}

// drop is remove under p.mu.
func (p *pins) drop(id string) bool {
	one := p.all[id]
	if one == nil {
		return false
	}
	delete(p.all, id)
	one.ends.Stop()
	if one.gone = true; one.inside == 0 {
		_ = one.view.Close() // never fails
	}
	return true
}

// clear lets all of them go.
func (p *pins) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.all {
		p.drop(id)
	}
}

// beginBackup pins what the store holds now.
//
//	POST /api/backups
//	201 with Location: the plan of the backup, as lines of JSON (docs/format/backup.md); 503 too many are under way
func (a *api) beginBackup(w http.ResponseWriter, r *http.Request) error {
	view, err := a.store.BackupView(r.Context())
	if err != nil {
		return err
	}
	plan, err := view.Plan(r.Context())
	if err != nil {
		_ = view.Close() // never fails
		return err
	}
	id, err := a.backups.add(view)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/api/backups/"+id)
	writeWhole(w, http.StatusCreated, "application/x-ndjson", plan)
	return nil
}

// readBackup gives a piece of a file.
//
//	GET /api/backups/{id}/{file}?offset=&length=
//	200 at most length bytes, and 1 MiB; fewer, or none, at the file's end; 404 no such backup is under way, or no such file is in it;
//	410 the file is lost; 500 it cannot be read there; 503 too much is read at once
func (a *api) readBackup(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r.URL)
	if err != nil {
		return err
	}
	offset, err := strconv.ParseInt(q.Get("offset"), 10, 64)
	if q.Get("offset") == "" {
		offset, err = 0, nil
	}
	if err != nil || offset < 0 {
		return badParam("offset", "%q is not allowed; it is a whole number from 0 (default 0)", clip(q.Get("offset"), 40))
	}
	length, err := intParam(q, "length", backupPiece, 1, backupPiece)
	if err != nil {
		return err
	}
	return a.backups.use(r.PathValue("id"), func(view *stele.BackupView) error {
		hold := a.memory.patient(r.Context(), a.o.bodyWait)
		defer hold.release()
		if err := hold.take(int64(length)); err != nil {
			return err
		}
		piece := make([]byte, length)
		n, err := view.ReadAt(r.Context(), r.PathValue("file"), piece, offset)
		if err != nil && err != io.EOF {
			if stele.KindOf(err) == stele.Corrupt {
				return &statusError{http.StatusGone, err}
			}
			return err
		}
		writeWhole(w, http.StatusOK, "application/octet-stream", piece[:n])
		return nil
	})
}

// endBackup lets the snapshot go.
//
//	DELETE /api/backups/{id}
//	204; 404 no such backup is under way
func (a *api) endBackup(w http.ResponseWriter, r *http.Request) error {
	if !a.backups.remove(r.PathValue("id")) {
		return fault.New(fault.NotFound, "", "there is no backup %q under way", clip(r.PathValue("id"), 40))
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
