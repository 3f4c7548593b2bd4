package server

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/otlp"
)

// OTLP over gRPC, as far as unary calls need it:
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md. A call is a POST over HTTP/2; request and answer are one message each:
//
//	+-----------------+---------------+-------------------+      answers always have the HTTP status 200;
//	| compressed (1B) | length (4B)   | message           |      how it went stands in the trailers
//	+-----------------+---------------+-------------------+      grpc-status and grpc-message

// callMemory is what a request over HTTP/2 costs besides its body: its headers, its stream, who serves it.
const callMemory = 16 << 10

// grpcProtocol is what OpenTelemetry's exporters and Collector speak by default.
var grpcProtocol = &protocol{"otlp", failGRPC}

func isGRPC(mediaType string) bool {
	return mediaType == "application/grpc" || strings.HasPrefix(mediaType, "application/grpc+")
}

// exportGRPC is ingestOTLP as a gRPC call.
//
//	POST /opentelemetry.proto.collector.logs.v1.LogsService/Export, /opentelemetry.proto.collector.trace.v1.TraceService/Export
//	OK, with partial_success if something was rejected; INVALID_ARGUMENT; RESOURCE_EXHAUSTED the message is over the limit;
//	UNAVAILABLE try again after RetryInfo's delay; DEADLINE_EXCEEDED; UNIMPLEMENTED the compression is unknown
//
// Messages may be compressed with gzip. HTTP/2 without TLS is served on the addresses of OTLP alone.
func exportGRPC(s otlp.Signal) handler {
	return func(a *api, w http.ResponseWriter, r *http.Request) error {
		ctx, cancel, err := grpcContext(r)
		if err != nil {
			return err
		}
		defer cancel()
		message, err := grpcMessage(r)
		if err != nil {
			return err
		}
		f := otlpFormat(s, false)
		p, err := a.ingest(w, message.WithContext(ctx), f, true)
		if errors.Is(ctx.Err(), context.DeadlineExceeded) && err != nil {
			return &grpcError{otlp.CodeDeadlineExceeded, err}
		}
		if err != nil {
			return err
		}
		answer := otlp.AppendResponse(make([]byte, 5), false, s, p.Count, rejected(w, f, &p.Payload))
		binary.BigEndian.PutUint32(answer[1:], uint32(len(answer)-5))
		w.Header().Set("Content-Type", "application/grpc")
		_, _ = w.Write(answer)
		grpcTrailers(w, otlp.CodeOK, "", 0)
		return nil
	}
}

// refuseMetricsGRPC is refuseMetrics as a gRPC call.
//
//	POST /opentelemetry.proto.collector.metrics.v1.MetricsService/Export
//	UNIMPLEMENTED
func (a *api) refuseMetricsGRPC(w http.ResponseWriter, r *http.Request) error {
	return a.refuseMetrics(w, r)
}

// grpcError is an error with a code that no HTTP status has.
type grpcError struct {
	code int
	err  error
}

func (e *grpcError) Error() string { return e.err.Error() }
func (e *grpcError) Unwrap() error { return e.err }

// failGRPC puts the error into trailers, unless the client does not speak gRPC.
func failGRPC(w http.ResponseWriter, r *http.Request, status int, err error) {
	if !isGRPC(mediaType(r.Header.Get("Content-Type"))) || r.ProtoMajor < 2 {
		failPlain(w, r, status, err)
		return
	}
	code := rpcCode(status, err)
	var coded *grpcError
	switch {
	case errors.As(err, &coded):
		code = coded.code
	case status == http.StatusUnsupportedMediaType:
		code = otlp.CodeUnimplemented
		w.Header().Set("Grpc-Accept-Encoding", "identity, gzip")
	}
	retry := retryHeader(w)
	w.Header().Set("Content-Type", "application/grpc")
	w.WriteHeader(http.StatusOK)
	grpcTrailers(w, code, cleanText(err.Error()), retry)
}

// grpcTrailers says how a call went, after its headers have been written.
func grpcTrailers(w http.ResponseWriter, code int, message string, retry int) {
	h := w.Header()
	h.Set(http.TrailerPrefix+"Grpc-Status", strconv.Itoa(code))
	if message == "" {
		return
	}
	message = clip(message, 1000) // clients bound the size of headers
	h.Set(http.TrailerPrefix+"Grpc-Message", percentEncoded(message))
	details := otlp.AppendStatus(nil, false, code, message, retry)
	h.Set(http.TrailerPrefix+"Grpc-Status-Details-Bin", base64.RawStdEncoding.EncodeToString(details))
}

// percentEncoded is text as grpc-message has it: printable ASCII but % as it is.
func percentEncoded(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// grpcContext is the request's context with the deadline of the header grpc-timeout.
func grpcContext(r *http.Request) (context.Context, context.CancelFunc, error) {
	text := r.Header.Get("Grpc-Timeout")
	if text == "" {
		return r.Context(), func() {}, nil
	}
	units := map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second, 'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond}
	unit := units[text[len(text)-1]]
	number, err := strconv.ParseUint(text[:len(text)-1], 10, 32)
	if err != nil || unit == 0 || len(text) > 9 {
		return nil, nil, fault.New(fault.Invalid, "", "the header grpc-timeout is %q; it is at most eight digits and one of HMSmun", clip(text, 20))
	}
	// The longest, 99,999,999 hours, is more than a duration holds.
	limit := time.Duration(min(number, uint64(24*365*time.Hour/unit))) * unit
	ctx, cancel := context.WithTimeout(r.Context(), limit)
	return ctx, cancel, nil
}

// grpcMessage returns the request with the call's message as its body, still compressed if it is.
func grpcMessage(r *http.Request) (*http.Request, error) {
	var wrong error
	switch t := mediaType(r.Header.Get("Content-Type")); {
	case !isGRPC(t):
		wrong = fault.New(fault.Invalid, "", "the content type %q is not gRPC's", clip(t, 60)).WithHint("OTLP over HTTP is served at /v1/logs and /v1/traces")
	case r.ProtoMajor < 2:
		wrong = fault.New(fault.Invalid, "", "gRPC needs HTTP/2").WithHint("send it to port 4317 of a server started with --otlp")
	case t != "application/grpc" && t != "application/grpc+proto":
		wrong = fault.New(fault.Invalid, "", "messages of %q are not understood; allowed: application/grpc+proto", clip(t, 60))
	}
	if wrong != nil {
		return nil, &statusError{http.StatusUnsupportedMediaType, wrong}
	}
	var head [5]byte
	if _, err := io.ReadFull(r.Body, head[:]); err != nil {
		return nil, fault.WrapAs(fault.Canceled, err, "", "the call brings no message")
	}
	length := int64(binary.BigEndian.Uint32(head[1:]))
	out := r.Clone(r.Context())
	out.Header.Del("Content-Encoding")
	switch head[0] {
	case 0:
	case 1:
		out.Header.Set("Content-Encoding", r.Header.Get("Grpc-Encoding"))
	default:
		return nil, fault.New(fault.Invalid, "", "a gRPC message begins with 0 or 1, not with %d", head[0])
	}
	out.ContentLength = length
	out.Body = &grpcBody{r: r.Body, left: length}
	return out, nil
}

// grpcBody is one message and nothing after it.
type grpcBody struct {
	r    io.ReadCloser
	left int64
}

func (b *grpcBody) Close() error { return b.r.Close() }

func (b *grpcBody) Read(p []byte) (int, error) {
	if b.left > 0 {
		n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
		b.left -= int64(n)
		if err == io.EOF && b.left > 0 {
			err = io.ErrUnexpectedEOF
		} else if err == io.EOF {
			err = nil
		}
		return n, err
	}
	var one [1]byte
	if n, err := b.r.Read(one[:]); n > 0 || err == nil {
		return 0, errors.New("a call brings one message, and here is more")
	} else if err != io.EOF {
		return 0, err
	}
	return 0, io.EOF
}
