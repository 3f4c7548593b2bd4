package server

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// fileOf is the name that the pool would have for a plan's file of a kind.
func fileOf(t *testing.T, plan, kind string) (name string, bytes int) {
	t.Helper()
	lines := strings.Split(plan, "\n")
	var head struct {
		StoreID string `json:"StoreId"`
	}
	if err := json.Unmarshal([]byte(lines[0]), &head); err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		var f struct {
			Kind   string
			Number uint64
			Bytes  int
			Mark   uint32
		}
		if json.Unmarshal([]byte(line), &f) == nil && f.Kind == kind {
			return fmt.Sprintf("%s-%s-%016x-%x-%08x", head.StoreID, kind, f.Number, f.Bytes, f.Mark), f.Bytes
		}
	}
	t.Fatalf("no %s in %s", kind, plan)
	return "", 0
}

func TestBackups(t *testing.T) {
	h := serve(t, Options{})
	h.do("POST", "/ingest/clef", `{"@t":"2026-11-20T10:00:00Z","@m":"x"}`).want(t, 201, `{"MinimumLevelAccepted":null}`)
	begun := h.do("POST", "/api/backups", "")
	at := begun.header.Get("Location")
	if begun.status != 201 || !regexp.MustCompile(`^/api/backups/[0-9a-f]{16}$`).MatchString(at) || begun.header.Get("Content-Type") != "application/x-ndjson" {
		t.Fatalf("%+v", begun)
	}
	name, bytes := fileOf(t, begun.body, "journal")
	whole := h.do("GET", at+"/"+name, "")
	if whole.status != 200 || len(whole.body) != bytes || !strings.HasPrefix(whole.body, "STLF") {
		t.Fatalf("%d: %d bytes, expected %d", whole.status, len(whole.body), bytes)
	}
	// What comes later is not in it.
	h.do("POST", "/ingest/clef", `{"@t":"2026-11-20T10:00:00Z","@m":"x"}`).want(t, 201, `{"MinimumLevelAccepted":null}`)
	h.do("GET", at+"/"+name, "").want(t, 200, whole.body)
	h.do("GET", at+"/"+name+"?offset=4&length=6", "").want(t, 200, whole.body[4:10])
	h.do("GET", at+"/"+name+"?offset="+jsonNumber(uint64(bytes-3)), "").want(t, 200, whole.body[bytes-3:])
	h.do("GET", at+"/"+name+"?offset="+jsonNumber(uint64(bytes)), "").want(t, 200, "")
	for query, want := range map[string]string{
		"?offset=-1": "offset", "?offset=x": "offset", "?length=0": "length", "?length=1048577": "length",
	} {
		h.do("GET", at+"/"+name+query, "").wantError(t, 400, want)
	}
	h.do("GET", at+"/nothing", "").wantError(t, 404, `has no file "nothing"`)
	h.do("GET", at+"/..%2FLOCK", "").wantError(t, 404, "no file")
	h.do("GET", "/api/backups/0000000000000000/"+name, "").wantError(t, 404, "no backup")
	if n := h.store.Stats().Snapshots; n != 1 {
		t.Errorf("%d snapshots", n)
	}
	h.do("DELETE", at, "").want(t, 204, "")
	h.do("DELETE", at, "").wantError(t, 404, "no backup")
	h.do("GET", at+"/"+name, "").wantError(t, 404, "begin again")
	if n := h.store.Stats().Snapshots; n != 0 {
		t.Errorf("%d snapshots", n)
	}
}

// A client that vanishes pins nothing for ever, and many clients pin few snapshots.
func TestBackupsEnd(t *testing.T) {
	h := serve(t, Options{})
	h.do("POST", "/ingest/clef", `{"@t":"2026-11-20T10:00:00Z","@m":"x"}`).want(t, 201, `{"MinimumLevelAccepted":null}`)
	pins := h.s.gate.api.backups
	for range backupPins {
		if a := h.do("POST", "/api/backups", ""); a.status != 201 {
			t.Fatal(a)
		}
	}
	h.do("POST", "/api/backups", "").wantError(t, 503, "16 backups are being made already")
	pins.mu.Lock()
	pins.yield = 0
	pins.mu.Unlock()
	if a := h.do("POST", "/api/backups", ""); a.status != 201 || h.store.Stats().Snapshots != backupPins {
		t.Errorf("one that nobody uses does not yield: %d, %d snapshots", a.status, h.store.Stats().Snapshots)
	}
	pins.clear()
	pins.mu.Lock()
	pins.lease = 20 * time.Millisecond
	pins.mu.Unlock()
	a := h.do("POST", "/api/backups", "")
	for deadline := time.Now().Add(20 * time.Second); h.store.Stats().Snapshots > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a snapshot is pinned for ever")
		}
	}
	h.do("DELETE", a.header.Get("Location"), "").wantError(t, 404, "no backup")
	// One that is under way when the server stops keeps nothing.
	pins.mu.Lock()
	pins.lease = time.Hour
	pins.mu.Unlock()
	h.do("POST", "/api/backups", "")
	h.stop()
	pins.mu.Lock()
	defer pins.mu.Unlock()
	if len(pins.all) > 0 {
		t.Error("a snapshot outlives the server")
	}
}

// Pages of other sites neither begin backups nor read nor end them.
func TestR23BackupsOrigin(t *testing.T) {
	h := serve(t, Options{})
	h.do("POST", "/ingest/clef", `{"@t":"2026-11-20T10:00:00Z","@m":"x"}`).want(t, 201, `{"MinimumLevelAccepted":null}`)
	begun := h.do("POST", "/api/backups", "", "Origin: "+h.url)
	at := begun.header.Get("Location")
	name, _ := fileOf(t, begun.body, "journal")
	for _, r := range [][2]string{{"POST", "/api/backups"}, {"GET", at + "/" + name}, {"DELETE", at}} {
		a := h.do(r[0], r[1], "", "Origin: https://evil.example")
		a.wantError(t, 403, "may not change anything here")
		if a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%v: %v", r, a.header)
		}
	}
	h.do("DELETE", at, "").want(t, 204, "")
}
