package e2e

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Clients that mean harm, or are broken as if they did: the server goes on serving the others, and
// its memory stays within a bound that has nothing to do with theirs.

// memoryBound is what the server's memory stays under, whatever clients do. It is a bound against
// growth without end and not a promise of thrift: bodies alone may take 256 MiB.
const memoryBound = 1 << 30

// ingestionPaths are the addresses that take events in by HTTP, each with one event, or the start of one.
var ingestionPaths = []struct{ path, contentType, event string }{
	{"/ingest/clef", "", tinyLine},
	{"/api/events/raw?clef", "application/x-ndjson", tinyLine},
	{"/api/events/raw", "application/json", `{"Events":[`},
	{"/v1/logs", "application/json", `{"resourceLogs":[`},
	{"/v1/traces", "application/json", `{"resourceSpans":[{},{},{},{},{},{}`},
	{"/ingest/otlp/v1/logs", "application/x-protobuf", "\x0a\x02\x12\x00"},
	{"/ingest/otlp/v1/traces", "application/x-protobuf", "\x0a\x00"},
	{"/loki/api/v1/push", "application/json", `{"streams":[`},
	{"/loki/api/v1/push", "application/x-protobuf", "\x0a\x00"},
	{"/gelf", "application/json", `{"version":"1.1","host":"h","short_message":"`},
	{"/logs/_doc", "application/json", `{"message":"`},
	{"/_bulk", "application/x-ndjson", `{"create":{}}` + "\n" + `{"@timestamp":"2026-11-20T10:00:00Z"}` + "\n"},
	{"/logs/_bulk", "application/x-ndjson", `{"create":{}}` + "\n{}\n"},
}

const tinyLine = `{"@t":"2026-11-20T10:00:00Z"}` + "\n"

func hostile(t *testing.T) *process {
	t.Helper()
	skipWithoutProcesses(t)
	t.Parallel()
	return serve(t, t.TempDir())
}

// unharmed checks that the server serves and kept its memory in bounds, and ends it.
func (p *process) unharmed() {
	p.t.Helper()
	if status, answer, err := p.post(http.DefaultClient, tinyLine); status != http.StatusCreated {
		p.t.Errorf("afterwards an event is answered with %d %s %v", status, answer, err)
	}
	if peak := p.status("VmHWM"); peak > memoryBound {
		p.t.Errorf("the server took %d MiB of memory", peak>>20)
	} else {
		p.t.Logf("the server took %d MiB of memory at most", peak>>20)
	}
	p.stop()
}

// status reads a size of /proc/PID/status in bytes; 0 where there is none.
func (p *process) status(name string) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, value, _ := strings.Cut(string(text), "\n"+name+":")
	kib, _, _ := strings.Cut(strings.TrimSpace(value), " ")
	n, _ := strconv.ParseInt(kib, 10, 64)
	return n << 10
}

func (p *process) dial() net.Conn {
	p.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	return conn
}

// TestHostileTenThousandConnections holds ten thousand connections open, which idle, read a stream, stop
// in the middle of their head, and stop in the middle of a body they said would be of 1 MiB.
func TestHostileTenThousandConnections(t *testing.T) {
	const connections = 10_000
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Skip("skipped: the limit of open files is not known:", err)
	}
	if limit.Max < connections+500 {
		t.Skipf("skipped: %d open files are allowed here and this test takes %d; raise it with ulimit -Hn", limit.Max, connections+500)
	}
	limit.Cur = limit.Max // Go has done so already, unless something lowered it again
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Skip("skipped: the limit of open files cannot be raised:", err)
	}
	p := hostile(t)
	kinds := []struct {
		head    string
		answers bool
	}{
		{"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", true},
		{"POST /ingest/clef HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048576\r\n\r\n" + tinyLine, false},
		{"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", true},
		{"GET /api/events/stream?clef HTTP/1.1\r\nHost: localhost\r\n\r\n", true},
		{"GET /health HTTP/1.1\r\nHost: loc", false},
	}
	addr := strings.TrimPrefix(p.url, "http://")
	conns := make([]net.Conn, connections)
	var next atomic.Int64
	var opening sync.WaitGroup
	for range 32 {
		opening.Go(func() {
			for i := next.Add(1) - 1; i < connections && !t.Failed(); i = next.Add(1) - 1 {
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					t.Errorf("connection %d: %v", i, err)
					return
				}
				conns[i] = conn
				kind := kinds[i%int64(len(kinds))]
				_ = conn.SetDeadline(time.Now().Add(time.Minute))
				if _, err := io.WriteString(conn, kind.head); err != nil {
					t.Errorf("connection %d: %v", i, err)
					return
				}
				if kind.answers {
					if line, err := bufio.NewReaderSize(conn, 64).ReadString('\n'); err != nil || !strings.Contains(line, " 200 ") {
						t.Errorf("connection %d is answered with %q, %v", i, line, err)
						return
					}
				}
			}
		})
	}
	// Meanwhile, and afterwards, others send their events.
	post := func(n int) {
		for range n {
			if status, answer, err := p.post(http.DefaultClient, strings.Repeat(tinyLine, 10)); status != http.StatusCreated {
				t.Errorf("an event is answered with %d %s %v", status, answer, err)
			}
		}
	}
	post(50)
	opening.Wait()
	post(50)
	if runtime.GOOS == "linux" {
		// Those that stop within a head or a body are given up in time; the others are all there.
		open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
		if err != nil || len(open) < connections*3/5 {
			t.Errorf("the server has %d files open, %v", len(open), err)
		}
		t.Logf("the server has %d files open", len(open))
	}
	for _, conn := range conns {
		if conn != nil {
			conn.Close()
		}
	}
	p.unharmed()
}

// bomb is size bytes that compress to next to nothing.
func bomb(t *testing.T, coding, filling string, size int) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	if coding == "gzip" {
		w, _ = gzip.NewWriterLevel(&b, gzip.BestSpeed)
	} else {
		w, _ = zlib.NewWriterLevel(&b, zlib.BestSpeed)
	}
	piece := bytes.Repeat([]byte(filling), 1<<20/len(filling))
	for n := 0; n < size; n += len(piece) {
		if _, err := w.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestHostileDecompressionBombs sends bodies that are a thousand times as large as they look, several
// at a time, to every path.
func TestHostileDecompressionBombs(t *testing.T) {
	p := hostile(t)
	var sending sync.WaitGroup
	turn := make(chan struct{}, 12) // of bodies at once, each of which may become 10 MiB of the 256 MiB there are
	for _, coding := range []string{"gzip", "deflate"} {
		blanks, brackets := bomb(t, coding, " ", 128<<20), bomb(t, coding, "[", 128<<20)
		for _, in := range ingestionPaths {
			for _, packed := range [][]byte{blanks, brackets, bomb(t, coding, in.event, 24<<20)} {
				turn <- struct{}{}
				sending.Go(func() {
					defer func() { <-turn }()
					req, err := http.NewRequest("POST", p.url+in.path, bytes.NewReader(packed))
					if err != nil {
						t.Error(err)
						return
					}
					req.Header.Set("Content-Type", in.contentType)
					req.Header.Set("Content-Encoding", coding)
					resp, err := http.DefaultClient.Do(req)
					if err != nil {
						t.Errorf("%s, %s: %v", in.path, coding, err)
						return
					}
					defer resp.Body.Close()
					answer, _ := io.ReadAll(resp.Body)
					if resp.StatusCode != http.StatusRequestEntityTooLarge {
						t.Errorf("%s: %d bytes of %s are answered with %s %.200s", in.path, len(packed), coding, resp.Status, answer)
					}
				})
			}
		}
	}
	sending.Wait()
	p.unharmed()
}

// TestHostileHeads sends heads without end, of few large lines and of many small ones.
func TestHostileHeads(t *testing.T) {
	p := hostile(t)
	line := map[string]func(n int) string{
		"one header":      func(int) string { return strings.Repeat("x", 1<<10) },
		"large headers":   func(n int) string { return fmt.Sprintf("X-%d: %s\r\n", n, strings.Repeat("x", 32<<10)) },
		"tiny headers":    func(n int) string { return fmt.Sprintf("a%d:\r\n", n) },
		"the same header": func(int) string { return "a:\r\n" },
	}
	var flooding sync.WaitGroup
	for name, of := range line {
		for range 40 {
			flooding.Go(func() {
				conn := p.dial()
				w := bufio.NewWriterSize(conn, 64<<10)
				_, _ = w.WriteString("POST /ingest/clef HTTP/1.1\r\nHost: localhost\r\nX: ")
				for n, sent := 0, 0; sent < 16<<20; n++ {
					m, err := w.WriteString(of(n))
					if err != nil {
						return // refused
					}
					sent += m
				}
				if err := w.Flush(); err == nil {
					// What is left to be read is the refusal, or the connection's end.
					if answer, _ := io.ReadAll(conn); len(answer) > 0 && !bytes.Contains(answer, []byte(" 431 ")) {
						t.Errorf("%s: 16 MiB of head are answered with %.100s", name, answer)
					}
				}
			})
		}
	}
	for range 20 {
		if status, answer, err := p.post(http.DefaultClient, tinyLine); status != http.StatusCreated {
			t.Errorf("meanwhile an event is answered with %d %s %v", status, answer, err)
		}
	}
	flooding.Wait()
	p.unharmed()
}

// TestHostileSlowHead sends a head a byte at a time: it is given up.
func TestHostileSlowHead(t *testing.T) {
	p := hostile(t)
	conn := p.dial()
	ended := make(chan []byte)
	go func() {
		answer, _ := io.ReadAll(conn)
		ended <- answer
	}()
	head := []byte("GET /health HTTP/1.1\r\nHost: localhost\r\nX-Never-Ending: " + strings.Repeat("x", 60) + "\r\n\r\n")
	for i := 0; ; i++ {
		select {
		case answer := <-ended:
			if bytes.Contains(answer, []byte(" 200 ")) {
				t.Error("a byte a second for its head, and it is served")
			}
			p.unharmed()
			return
		case <-time.After(time.Second):
			if i == len(head) {
				t.Fatal("a byte a second for its head, and the server waited for it")
			}
			_, _ = conn.Write(head[i : i+1])
		}
	}
}

// TestHostileTinyLines sends bodies of very many lines.
func TestHostileTinyLines(t *testing.T) {
	p := hostile(t)
	const million = 1_000_000
	for _, c := range []struct {
		name, path, body string
		status           int
		answer           string
	}{
		{"events", "/ingest/clef", strings.Repeat(tinyLine, 10<<20/len(tinyLine)), 201, seqAccepted},
		{"nothing", "/ingest/clef", strings.Repeat("\n", 10*million), 201, seqAccepted},
		{"refused", "/ingest/clef", strings.Repeat("{}\n", million), 400, "line 1 is refused"},
		{"refused one by one", "/ingest/clef?partial=true", strings.Repeat("{}\n", million), 201, `"RefusedCount":1000000}`},
		{"raw events", "/api/events/raw", `{"Events":[` + strings.Repeat("{},", million) + `{}]}`, 400, "event 1 is refused"},
		{"raw events refused one by one", "/api/events/raw?partial=true", `{"Events":[` + strings.Repeat("0,", million-1) + `0]}`, 201, `"RefusedCount":1000000}`},
	} {
		resp, err := http.Post(p.url+c.path, "", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(c.name, err)
		}
		answer, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != c.status || !strings.Contains(string(answer), c.answer) || len(answer) > 1<<20 {
			t.Errorf("%s: %s, %d bytes: %.200s", c.name, resp.Status, len(answer), answer)
		}
	}
	p.unharmed()
}

// TestHostileDeclaredLengths declares bodies of 1 GiB and sends little of them.
func TestHostileDeclaredLengths(t *testing.T) {
	p := hostile(t)
	var declaring sync.WaitGroup
	for _, in := range ingestionPaths {
		for _, declared := range []string{"Content-Length: 1073741824\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n40000000\r\n"} {
			for _, sent := range []int{0, 1, 11 << 20} {
				declaring.Go(func() {
					conn := p.dial()
					fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n%s", in.path, in.contentType, declared)
					_, _ = conn.Write(bytes.Repeat([]byte("x"), sent))
					_ = conn.(*net.TCPConn).CloseWrite()
					answer, _ := io.ReadAll(conn)
					if sent > 10<<20 && !bytes.Contains(answer, []byte("HTTP/1.1 413 ")) {
						t.Errorf("%s: %d bytes of 1 GiB are answered with %.200s", in.path, sent, answer)
					}
					if bytes.Contains(answer, []byte("HTTP/1.1 2")) {
						t.Errorf("%s: %d bytes of 1 GiB are taken: %.200s", in.path, sent, answer)
					}
				})
			}
		}
	}
	declaring.Wait()
	p.unharmed()
}
