package otlp

import (
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/stelehq/stele/internal/event"
)

// A Signal is what requests are about.
type Signal uint8

// The signals that are taken in.
const (
	SignalLogs Signal = iota
	SignalTraces
)

// AppendResponse appends an ExportLogsServiceResponse or ExportTraceServiceResponse: partial success if records were rejected.
// After it no client sends the request again.
func AppendResponse(dst []byte, json bool, s Signal, rejected int, why string) []byte {
	if json {
		if rejected == 0 {
			return append(dst, "{}"...)
		}
		name := "rejectedLogRecords"
		if s == SignalTraces {
			name = "rejectedSpans"
		}
		dst = append(append(append(dst, `{"partialSuccess":{"`...), name...), `":"`...)
		dst = strconv.AppendInt(dst, int64(rejected), 10)
		return append(event.AppendText(append(dst, `","errorMessage":`...), why), "}}"...)
	}
	if rejected == 0 {
		return dst
	}
	partial := protowire.AppendTag(nil, 1, protowire.VarintType)
	partial = protowire.AppendVarint(partial, uint64(rejected))
	partial = appendString(partial, 2, why)
	return appendBytes(dst, 1, partial)
}

// Codes of google.rpc.Code, which are gRPC's too.
const (
	CodeOK                = 0
	CodeCanceled          = 1
	CodeInvalidArgument   = 3
	CodeDeadlineExceeded  = 4
	CodeNotFound          = 5
	CodePermissionDenied  = 7
	CodeResourceExhausted = 8
	CodeUnimplemented     = 12
	CodeInternal          = 13
	CodeUnavailable       = 14
)

// AppendStatus appends a google.rpc.Status. retry is after how many seconds a client should try again; 0: never.
func AppendStatus(dst []byte, json bool, code int, message string, retry int) []byte {
	if json {
		dst = strconv.AppendInt(append(dst, `{"code":`...), int64(code), 10)
		dst = event.AppendText(append(dst, `,"message":`...), message)
		if retry > 0 {
			dst = append(dst, `,"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"`...)
			dst = append(strconv.AppendInt(dst, int64(retry), 10), `s"}]`...)
		}
		return append(dst, '}')
	}
	dst = protowire.AppendTag(dst, 1, protowire.VarintType)
	dst = protowire.AppendVarint(dst, uint64(code))
	dst = appendString(dst, 2, message)
	if retry > 0 {
		delay := protowire.AppendTag(nil, 1, protowire.VarintType)
		delay = protowire.AppendVarint(delay, uint64(retry)) // google.protobuf.Duration.seconds
		info := appendBytes(nil, 1, delay)                   // RetryInfo.retry_delay
		detail := appendString(nil, 1, "type.googleapis.com/google.rpc.RetryInfo")
		dst = appendBytes(dst, 3, appendBytes(detail, 2, info)) // a google.protobuf.Any
	}
	return dst
}

func appendString(dst []byte, number protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(dst, number, protowire.BytesType), s)
}

func appendBytes(dst []byte, number protowire.Number, b []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(dst, number, protowire.BytesType), b)
}
