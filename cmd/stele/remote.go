package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// remote is the door to a server.
type remote struct {
	base   *url.URL
	apiKey string
	http   *http.Client
}

const clefType = "application/vnd.serilog.clef"

func newRemote(base *url.URL, apiKey string) *remote {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	return &remote{base: base, apiKey: apiKey, http: &http.Client{Transport: transport}}
}

func (r *remote) close() error {
	r.http.CloseIdleConnections()
	return nil
}

// do sends a request. An answer that is no success is an error of the kind that its status
// stands for, with the text that the server gave.
func (r *remote) do(ctx context.Context, method, path string, query url.Values, body []byte, header ...string) (*http.Response, error) {
	resp, err := r.send(ctx, method, path, query, body, header...)
	if err == nil && resp.StatusCode/100 != 2 {
		defer resp.Body.Close()
		return nil, r.answered(resp)
	}
	return resp, err
}

// send sends a request and returns whatever is answered.
func (r *remote) send(ctx context.Context, method, path string, query url.Values, body []byte, header ...string) (*http.Response, error) {
	u := r.base.JoinPath(path)
	u.RawQuery = query.Encode()
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), reader)
	if err != nil {
		return nil, fault.WrapAs(fault.Invalid, err, "", "the request cannot be made")
	}
	if r.apiKey != "" {
		req.Header.Set("X-Seq-ApiKey", r.apiKey)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := r.http.Do(req)
	if err != nil {
		return nil, r.unreachable(ctx, err)
	}
	return resp, nil
}

// unreachable explains why there was no answer.
func (r *remote) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fault.WrapAs(fault.Canceled, ctx.Err(), "", "interrupted")
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	what := "the server at %s cannot be reached"
	if errors.Is(err, syscall.ECONNREFUSED) {
		what = "no server answers at %s"
	}
	return fault.WrapAs(fault.Unavailable, err, "", what, r.base).
		WithHint("start one with stele serve, name another with --url, or open its directory with --datapath")
}

// kindOfStatus is the way back from R20's statuses; of the kinds that share one, the most
// general.
func kindOfStatus(status int) fault.Kind {
	switch status {
	case http.StatusBadRequest, http.StatusMethodNotAllowed:
		return fault.Invalid
	case http.StatusNotFound:
		return fault.NotFound
	case http.StatusRequestEntityTooLarge:
		return fault.TooLarge
	case http.StatusUnauthorized, http.StatusForbidden:
		return fault.Denied
	case http.StatusGone:
		return fault.Corrupt // a file of a backup that is lost
	case http.StatusNotImplemented:
		return fault.Unsupported
	case http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		return fault.Unavailable
	case http.StatusRequestTimeout:
		return fault.Canceled
	}
	return fault.Internal
}

// kindNamed is the kind that a server names, otherwise if it names none.
func kindNamed(name string, otherwise fault.Kind) fault.Kind {
	for _, k := range fault.Kinds() {
		if k.String() == name {
			return k
		}
	}
	return otherwise
}

func (r *remote) answered(resp *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	var part struct{ Error string }
	kind := kindNamed(resp.Header.Get("X-Stele-Error"), kindOfStatus(resp.StatusCode))
	if json.Unmarshal(text, &part) == nil && part.Error != "" {
		return fault.New(kind, "", "the server answers: %s", part.Error)
	}
	return fault.New(kind, "", "the server at %s answers %s", r.base, resp.Status)
}

var lineInError = regexp.MustCompile(`\bline (\d+)`)

func (r *remote) ingest(ctx context.Context, b *batch, partial bool) (refusals, error) {
	query := url.Values{}
	if partial {
		query.Set("partial", "true")
	}
	resp, err := r.do(ctx, http.MethodPost, "ingest/clef", query, b.body, "Content-Type", clefType, "Idempotency-Key", b.id)
	if err != nil {
		if fault.KindOf(err) == fault.Invalid {
			if m := lineInError.FindStringSubmatch(err.Error()); m != nil {
				n, _ := strconv.Atoi(m[1])
				return refusals{lines: []refusedLine{{n, explain(err)}}, count: 1}, err
			}
		}
		return refusals{}, err
	}
	defer resp.Body.Close()
	var answer struct {
		Refused []struct {
			Line  int
			Error string
		}
		RefusedCount int
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<20)).Decode(&answer); err != nil {
		if resp.StatusCode == http.StatusCreated && !partial {
			return refusals{}, nil // stored; whatever the answer says beside
		}
		return refusals{}, fault.WrapAs(fault.Unavailable, err, "", "the server's answer was cut short")
	}
	refused := refusals{count: max(answer.RefusedCount, len(answer.Refused))}
	for _, l := range answer.Refused {
		refused.lines = append(refused.lines, refusedLine{l.Line, l.Error})
	}
	return refused, nil
}

func (r *remote) search(ctx context.Context, q searchQuery, yield func([]byte) error) (searchNote, error) {
	query := url.Values{"clef": {"true"}, "count": {strconv.Itoa(q.count)}}
	if q.ascending {
		query.Set("ascending", "true")
	}
	if q.filter != "" {
		query.Set("filter", q.filter)
	}
	if q.signal != "" {
		query.Set("signal", q.signal)
	}
	if !q.from.IsZero() {
		query.Set("fromDateUtc", string(event.AppendTime(nil, q.from.UnixNano())))
	}
	if !q.to.IsZero() {
		query.Set("toDateUtc", string(event.AppendTime(nil, q.to.UnixNano())))
	}
	resp, err := r.do(ctx, http.MethodGet, "api/events", query, nil, "Accept", clefType)
	if err != nil {
		return searchNote{}, err
	}
	defer resp.Body.Close()
	note := searchNote{asText: resp.Header.Get("X-Stele-Matched-As-Text"), damage: resp.Header.Get("X-Stele-Damage"), hints: resp.Header.Values("X-Stele-Hint")}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), clefType) {
		return note, fault.New(fault.Unsupported, "", "the server at %s does not give events as CLEF", r.base).WithHint("it may be older than this command")
	}
	if err := readLines(resp.Body, yield); err != nil {
		if ctx.Err() != nil {
			return note, fault.WrapAs(fault.Canceled, ctx.Err(), "", "interrupted")
		}
		return note, err
	}
	if d := resp.Trailer.Get("X-Stele-Damage"); d != "" {
		note.damage = d
	}
	return note, nil
}

// readLines gives whole lines to yield, many at a time. Its error is yield's, or that the last line is cut short.
func readLines(body io.Reader, yield func([]byte) error) error {
	buf := make([]byte, 256<<10)
	rest := 0 // bytes of a line whose end is still to come
	for {
		n, err := body.Read(buf[rest:])
		if end := bytes.LastIndexByte(buf[rest:rest+n], '\n') + 1; end > 0 {
			if err := yield(buf[:rest+end]); err != nil {
				return err
			}
			n, rest = copy(buf, buf[rest+end:rest+n]), 0
		}
		rest += n
		switch {
		case err == io.EOF && rest == 0:
			return nil
		case err != nil:
			return fault.WrapAs(fault.Unavailable, err, "", "the server's answer was cut short")
		case rest == len(buf):
			buf = append(buf, make([]byte, len(buf))...)
		}
	}
}

// tail follows the server-sent events, and after a lost connection goes on where it was (R5).
func (r *remote) tail(ctx context.Context, filter, signal string, told func(searchNote), yield func([]byte) error) error {
	query := url.Values{"clef": {"true"}}
	if filter != "" {
		query.Set("filter", filter)
	}
	if signal != "" {
		query.Set("signal", signal)
	}
	last, pause := "", time.Duration(0)
	for first := true; ; first = false {
		header := []string{"Accept", "text/event-stream"}
		if last != "" {
			header = append(header, "Last-Event-ID", last)
		}
		resp, err := r.do(ctx, http.MethodGet, "api/events/stream", query, nil, header...)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && (first || fault.KindOf(err) != fault.Unavailable) {
			return err
		}
		if err == nil {
			if first {
				told(searchNote{asText: resp.Header.Get("X-Stele-Matched-As-Text")})
			}
			pause = 0
			err = readStream(resp.Body, &last, yield)
			resp.Body.Close()
			if err != nil {
				return err
			}
		}
		pause = min(max(2*pause, 200*time.Millisecond), 5*time.Second)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// readStream reads messages of a text/event-stream until it ends, and notes the id of the
// last one. The error is yield's: a lost connection is none.
func readStream(body io.Reader, last *string, yield func([]byte) error) error {
	br := bufio.NewReaderSize(body, 64<<10)
	var id string
	var data []byte
	for {
		line, err := br.ReadBytes('\n')
		if err != nil {
			return nil // a message that is cut short will be sent again
		}
		line = bytes.TrimRight(line, "\r\n")
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch {
		case len(line) == 0:
			if len(data) > 0 {
				if err := yield(data); err != nil {
					return err
				}
			}
			if id != "" {
				*last = id // also of a message without data, which only tells the place
			}
			data = data[:0]
		case string(field) == "id":
			id = string(value)
		case string(field) == "data":
			if len(data) > 0 {
				data = append(data, '\n')
			}
			data = append(data, value...)
		}
	}
}

func (r *remote) stats(ctx context.Context) (storeStats, error) {
	resp, err := r.do(ctx, http.MethodGet, "api/store", nil, nil)
	if err != nil {
		return storeStats{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return storeStats{}, fault.WrapAs(fault.Unavailable, err, "", "the server's answer was cut short")
	}
	var s storeStats
	if err := json.Unmarshal(text, &s); err != nil {
		return storeStats{}, fault.WrapAs(fault.Unsupported, err, "", "the server's statistics cannot be read")
	}
	s.Where = fmt.Sprint(r.base)
	return s, nil
}
