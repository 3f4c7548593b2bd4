package server

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stelehq/stele/internal/fault"
)

// held is how much of the budget is in use.
func (b *budget) held() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// longBody has so many events, some 250 bytes each; every tenth is older than those before it.
func longBody(events int) []string {
	lines := make([]string, events)
	for i := range lines {
		second := i
		if i%10 == 9 {
			second -= 20
		}
		at := time.Unix(1_800_000_000+int64(second), 0).UTC().Format(time.RFC3339)
		lines[i] = fmt.Sprintf(`{"@t":"%s","@mt":"Event {n} of many","n":%d,"price":%d.50,"nested":{"list":[1,null,"x"],"text":"a \"quoted\" text"},"filler":"%s"}`,
			at, i, i%100, strings.Repeat(strconv.Itoa(i%7), 120))
	}
	return lines
}

func join(lines []string) string { return strings.Join(lines, "\n") + "\n" }

func TestALongBodyIsTakenInPieces(t *testing.T) {
	lines := longBody(15_000)
	body := join(lines)
	if len(body) < 3*pieceText {
		t.Fatalf("%d bytes are not enough", len(body))
	}
	for _, c := range []struct {
		name    string
		body    string
		headers []string
	}{
		{"plain", body, nil},
		{"gzip", packed(t, body), []string{"Content-Encoding: gzip"}},
		{"as JSON, which is read whole", body, []string{"Content-Type: application/json"}},
		{"with a mark, carriage returns and blank lines", "\xef\xbb\xbf" + strings.ReplaceAll(body, "\n", "\r\n\r\n"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := serve(t, Options{})
			h.do("POST", "/ingest/clef", c.body, c.headers...).want(t, 201, accepted)
			stored := strings.Split(strings.TrimSuffix(h.stored(), "\n"), "\n")
			seen := map[string]int{}
			for _, l := range stored {
				seen[l]++
			}
			for _, l := range lines {
				if seen[l]--; seen[l] != 0 {
					t.Fatalf("%s is stored %d times", l, seen[l]+1)
				}
			}
			if len(stored) != len(lines) {
				t.Errorf("%d events are stored", len(stored))
			}
			if held := h.s.gate.api.memory.held(); held != 0 {
				t.Errorf("%d bytes of the budget are not given back", held)
			}
		})
	}
}

// R21: what is refused of a body whose first pieces are gone can be read all the same, line by line.
func TestR21RefusedInALaterPiece(t *testing.T) {
	lines := longBody(15_000)
	for _, bad := range []int{1, 7_000, 14_999} {
		h := serve(t, Options{})
		some := append([]string(nil), lines...)
		some[bad] = `{"@t":"never"}`
		text := join(some)
		a := h.do("POST", "/ingest/clef", text)
		want := fmt.Sprintf("line %d is refused, and with it the whole batch", bad+1)
		a.wantError(t, 400, want)
		h.wantStored("")
		id := a.header.Get("X-Stele-Refused")
		if kept := h.do("GET", "/api/refused/"+id, "").body; kept != text {
			t.Errorf("line %d: %d bytes were sent, %d others are kept", bad+1, len(text), len(kept))
		}
		if list := h.do("GET", "/api/refused", "").body; !strings.Contains(list, fmt.Sprintf(`"Line":%d,"Bytes":%d,"Truncated":false`, bad+1, len(text))) {
			t.Error(list)
		}
		h.do("POST", "/api/refused/"+id+"/retry", "").wantError(t, 400, want)
	}
}

// Blank lines and white space that are gone keep the line that was refused where it was.
func TestR21RefusedBehindBlankLines(t *testing.T) {
	lines := longBody(15_000)
	lines[10] += "\n\n \r"
	lines[20] = " " + lines[20]
	lines[14_000] = "x"
	h := serve(t, Options{})
	a := h.do("POST", "/ingest/clef", join(lines))
	a.wantError(t, 400, "line 14003 is refused")
	id := a.header.Get("X-Stele-Refused")
	h.do("POST", "/api/refused/"+id+"/retry", "").wantError(t, 400, "line 14003 is refused")
	kept := h.do("GET", "/api/refused/"+id, "").body
	if n := strings.Count(kept, `"n":`); n != 14_999 {
		t.Errorf("%d of 14,999 good events are kept", n)
	}
}

func TestPartialAcceptanceOfALongBody(t *testing.T) {
	lines := longBody(15_000)
	want, refused := "", ""
	for i := 100; i < len(lines); i += 3_000 {
		lines[i] = fmt.Sprintf(`{"bad":%d}`, i)
		refused += lines[i] + "\n"
		want += fmt.Sprintf(`{"Line":%d,`, i+1)
	}
	h := serve(t, Options{})
	a := h.do("POST", "/ingest/clef?partial=true", join(lines))
	if a.status != 201 {
		t.Fatal(a.status, a.body)
	}
	got := ""
	for _, part := range strings.Split(a.body, `{"Line":`)[1:] {
		got += `{"Line":` + part[:strings.Index(part, ",")+1]
	}
	if got != want {
		t.Errorf("refused %s, expected %s", got, want)
	}
	h.do("GET", "/api/refused/"+a.header.Get("X-Stele-Refused"), "").want(t, 200, refused)
	if n := h.count(); n != 14_995 {
		t.Errorf("%d events are stored", n)
	}
}

func TestLongBodiesThatCannotBeTaken(t *testing.T) {
	body := join(longBody(15_000))
	long := `{"@t":"2026-11-20T10:00:00Z","x":"` + strings.Repeat("y", 3*pieceText) + `"}`
	cut := packed(t, body)
	for _, c := range []struct {
		name, body, encoding string
		status               int
		want                 string
		kept                 int // bytes of the start of the body, decoded
	}{
		{"a line that is longer than a piece", body + long, "", 400, fmt.Sprintf("the event is %d bytes long; at most", len(long)), len(body) + len(long)},
		{"over the limit", strings.Repeat(body, 4), "", 413, "the body is over the limit of 10485760 bytes", keepOfOver},
		{"over the limit behind a bad line", "x\n" + strings.Repeat(body, 4), "", 413, "the body is over the limit of 10485760 bytes", keepOfOver},
		{"gzip that ends too early", cut[:len(cut)-100], "gzip", 400, "the gzip body ends too early", -1},
		{"a bomb", packed(t, strings.Repeat("{}\n", 8<<20)), "gzip", 413, "the body, decompressed, is over the limit", keepOfOver},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := serve(t, Options{})
			var headers []string
			if c.encoding != "" {
				headers = append(headers, "Content-Encoding: "+c.encoding)
			}
			a := h.do("POST", "/ingest/clef", c.body, headers...)
			a.wantError(t, c.status, c.want)
			h.wantStored("")
			kept := h.do("GET", "/api/refused/"+a.header.Get("X-Stele-Refused"), "").body
			switch {
			case c.kept < 0:
				if !strings.HasPrefix(body, kept) || len(kept) < len(body)*9/10 {
					t.Errorf("%d bytes of %d are kept", len(kept), len(body))
				}
			case c.encoding == "" && kept != c.body[:c.kept], len(kept) != c.kept:
				t.Errorf("%d bytes are kept, expected the first %d", len(kept), c.kept)
			}
			if held := h.s.gate.api.memory.held(); held != 0 {
				t.Errorf("%d bytes of the budget are not given back", held)
			}
		})
	}
}

// Where memory is short, only the start of what is refused is kept.
func TestR21RefusedWithoutMemoryToKeepIt(t *testing.T) {
	lines := longBody(20_000)
	lines[19_000] = "x"
	h := serve(t, Options{BodyMemory: 5 << 20, bodyWait: time.Millisecond})
	a := h.do("POST", "/ingest/clef", join(lines))
	a.wantError(t, 400, "line 19001 is refused")
	h.do("GET", "/api/refused/"+a.header.Get("X-Stele-Refused"), "").want(t, 200, join(lines)[:keepOfOver])
	if list := h.do("GET", "/api/refused", "").body; !strings.Contains(list, fmt.Sprintf(`"Bytes":%d,"Truncated":true`, len(join(lines)))) {
		t.Error(list)
	}
}

// More bodies at once than there is memory for wait for each other.
func TestBodiesWaitForMemory(t *testing.T) {
	h := serve(t, Options{BodyMemory: 8 << 20, bodyWait: time.Minute})
	body := join(longBody(6_000))
	var senders sync.WaitGroup
	for range 16 {
		senders.Go(func() {
			if a := h.do("POST", "/ingest/clef", body); a.status != 201 {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	senders.Wait()
	if n := h.count(); n != 16*6_000 {
		t.Errorf("%d events are stored", n)
	}
	if held := h.s.gate.api.memory.held(); held != 0 {
		t.Errorf("%d bytes of the budget are not given back", held)
	}
}

// What a body becomes counts like the body, whatever its protocol: small events that take much more memory than text.
func TestBatchesAreCharged(t *testing.T) {
	wide := func(i int) string {
		var b strings.Builder
		for j := range 100 {
			fmt.Fprintf(&b, `,"%d":0`, i*100+j)
		}
		return b.String()
	}
	var clef, legacy []string
	for i := range 600 {
		clef = append(clef, `{"@t":"2026-11-20T10:00:00Z"`+wide(i)+`}`)
		legacy = append(legacy, `{"Timestamp":"2026-11-20T10:00:00Z","Properties":{`+wide(i)[1:]+`}}`)
	}
	h := serve(t, Options{BodyMemory: 2500 << 10, bodyWait: time.Millisecond})
	h.do("POST", "/ingest/clef", join(clef)).wantError(t, 503, "too many bytes")
	h.do("POST", "/api/events/raw", `{"Events":[`+strings.Join(legacy, ",")+`]}`).wantError(t, 503, "too many bytes")
	h.wantStored("")
	h.do("POST", "/ingest/clef", clef[0]).want(t, 201, accepted)
	if held := h.s.gate.api.memory.held(); held != 0 {
		t.Errorf("%d bytes of the budget are not given back", held)
	}
}

func TestBudgetWaits(t *testing.T) {
	b := &budget{most: 100}
	one, two := b.hold(), b.patient(context.Background(), time.Minute)
	if err := one.take(60); err != nil {
		t.Fatal(err)
	}
	taken := make(chan error)
	go func() { taken <- two.take(30) }() // there is room, but not for one who has nothing yet
	select {
	case err := <-taken:
		t.Fatal("it did not wait:", err)
	case <-time.After(20 * time.Millisecond):
	}
	one.giveBack(50)
	if err := <-taken; err != nil {
		t.Error(err)
	}
	if err := two.take(50); err != nil || b.held() != 90 {
		t.Error("who has begun may use all of it:", err, b.held())
	}
	if err := two.take(50); !errors.Is(err, fault.Exhausted) {
		t.Error("more than there is in all is not waited for:", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := b.patient(ctx, time.Minute).take(90); !errors.Is(err, fault.Canceled) {
		t.Error(err)
	}
	if err := b.patient(context.Background(), time.Millisecond).take(90); !errors.Is(err, fault.Exhausted) {
		t.Error(err)
	}
	one.release()
	two.release()
	if b.held() != 0 {
		t.Error(b.held())
	}
}
