package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/klauspost/compress/s2"
	"google.golang.org/protobuf/encoding/protowire"
)

// generated is one generated event taken apart, with its properties in order.
type generated struct {
	clef       []byte
	at         time.Time
	level      string
	template   string
	exception  string
	traceID    string
	spanID     string
	properties []property
}

// property is a member whose value is JSON.
type property struct {
	name  string
	value json.RawMessage
}

func parse(line []byte) (generated, error) {
	g := generated{clef: line}
	d := json.NewDecoder(bytes.NewReader(line))
	if _, err := d.Token(); err != nil {
		return g, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return g, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return g, err
		}
		text := ""
		if value[0] == '"' {
			if err := json.Unmarshal(value, &text); err != nil {
				return g, err
			}
		}
		switch name.(string) {
		case "@t":
			if g.at, err = time.Parse(time.RFC3339Nano, text); err != nil {
				return g, err
			}
		case "@l":
			g.level = text
		case "@mt":
			g.template = text
		case "@x":
			g.exception = text
		case "TraceId":
			g.traceID = text
		case "SpanId":
			g.spanID = text
		default:
			g.properties = append(g.properties, property{name.(string), value})
		}
	}
	return g, nil
}

// message is what a client without templates would send.
func (g *generated) message() string { return g.template }

// members writes the properties as members of an object, each before a comma.
func (g *generated) members(b *bytes.Buffer, prefix string) {
	for _, p := range g.properties {
		fmt.Fprintf(b, "%s:%s,", quote(prefix+p.name), p.value)
	}
	for _, p := range []struct{ name, text string }{{"exception", g.exception}, {"trace_id", g.traceID}, {"span_id", g.spanID}} {
		if p.text != "" {
			fmt.Fprintf(b, "%s:%s,", quote(prefix+p.name), quote(p.text))
		}
	}
}

func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)
	return string(bytes.TrimSpace(b.Bytes()))
}

func encodeCLEF(batch []generated) []byte {
	var b bytes.Buffer
	for i := range batch {
		b.Write(batch[i].clef)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func encodeRaw(batch []generated) []byte {
	b := bytes.NewBufferString(`{"Events":[`)
	for i := range batch {
		g := &batch[i]
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(b, `{"Timestamp":%s,"Level":%s,"MessageTemplate":%s,`, quote(g.at.Format(time.RFC3339Nano)), quote(g.level), quote(g.template))
		if g.exception != "" {
			fmt.Fprintf(b, `"Exception":%s,`, quote(g.exception))
		}
		b.WriteString(`"Properties":{`)
		for j, p := range g.properties {
			if j > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(b, "%s:%s", quote(p.name), p.value)
		}
		b.WriteString("}}")
	}
	b.WriteString("]}")
	return b.Bytes()
}

// The field numbers are those of opentelemetry-proto: logs.proto, common.proto, trace.proto.

func message(dst []byte, field protowire.Number, body []byte) []byte {
	dst = protowire.AppendTag(dst, field, protowire.BytesType)
	return protowire.AppendBytes(dst, body)
}

func anyValue(value json.RawMessage) []byte {
	var v []byte
	switch value[0] {
	case '"':
		var text string
		_ = json.Unmarshal(value, &text)
		v = message(v, 1, []byte(text))
	case 't', 'f':
		v = protowire.AppendTag(v, 2, protowire.VarintType)
		v = protowire.AppendVarint(v, protowire.EncodeBool(value[0] == 't'))
	case '[':
		var list []json.RawMessage
		_ = json.Unmarshal(value, &list)
		var values []byte
		for _, e := range list {
			values = message(values, 1, anyValue(e))
		}
		v = message(v, 5, values)
	case '{':
		var values []byte
		g, _ := parse(value)
		for _, p := range g.properties {
			values = message(values, 1, keyValue(p.name, p.value))
		}
		v = message(v, 6, values)
	case 'n':
	default:
		if n, err := strconv.ParseInt(string(value), 10, 64); err == nil {
			v = protowire.AppendTag(v, 3, protowire.VarintType)
			v = protowire.AppendVarint(v, uint64(n))
			break
		}
		f, _ := strconv.ParseFloat(string(value), 64)
		v = protowire.AppendTag(v, 4, protowire.Fixed64Type)
		v = protowire.AppendFixed64(v, math.Float64bits(f))
	}
	return v
}

func keyValue(key string, value json.RawMessage) []byte {
	return message(message(nil, 1, []byte(key)), 2, anyValue(value))
}

func encodeOTLP(batch []generated) []byte {
	var logs []byte
	for i := range batch {
		g := &batch[i]
		var r []byte
		r = protowire.AppendTag(r, 1, protowire.Fixed64Type)
		r = protowire.AppendFixed64(r, uint64(g.at.UnixNano()))
		if g.level != "" {
			r = message(r, 3, []byte(g.level))
		}
		r = message(r, 5, message(nil, 1, []byte(g.message())))
		for _, p := range g.properties {
			r = message(r, 6, keyValue(p.name, p.value))
		}
		if g.exception != "" {
			r = message(r, 6, keyValue("exception.stacktrace", json.RawMessage(quote(g.exception))))
		}
		if id, err := hex.DecodeString(g.traceID); err == nil && len(id) == 16 {
			r = message(r, 9, id)
		}
		if id, err := hex.DecodeString(g.spanID); err == nil && len(id) == 8 {
			r = message(r, 10, id)
		}
		logs = message(logs, 2, r)
	}
	resource := message(nil, 1, keyValue("service.name", json.RawMessage(`"bench"`)))
	return message(nil, 1, append(message(nil, 1, resource), message(nil, 2, logs)...))
}

func anyJSON(b *bytes.Buffer, value json.RawMessage) {
	switch value[0] {
	case '"':
		fmt.Fprintf(b, `{"stringValue":%s}`, value)
	case 't', 'f':
		fmt.Fprintf(b, `{"boolValue":%s}`, value)
	case '[':
		var list []json.RawMessage
		_ = json.Unmarshal(value, &list)
		b.WriteString(`{"arrayValue":{"values":[`)
		for i, e := range list {
			if i > 0 {
				b.WriteByte(',')
			}
			anyJSON(b, e)
		}
		b.WriteString(`]}}`)
	case '{':
		g, _ := parse(value)
		b.WriteString(`{"kvlistValue":{"values":[`)
		for i, p := range g.properties {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(b, `{"key":%s,"value":`, quote(p.name))
			anyJSON(b, p.value)
			b.WriteByte('}')
		}
		b.WriteString(`]}}`)
	case 'n':
		b.WriteString(`{}`)
	default:
		if _, err := strconv.ParseInt(string(value), 10, 64); err == nil {
			fmt.Fprintf(b, `{"intValue":"%s"}`, value)
		} else {
			fmt.Fprintf(b, `{"doubleValue":%s}`, value)
		}
	}
}

func encodeOTLPJSON(batch []generated) []byte {
	b := bytes.NewBufferString(`{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"bench"}}]},"scopeLogs":[{"logRecords":[`)
	for i := range batch {
		g := &batch[i]
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(b, `{"timeUnixNano":"%d","severityText":%s,"body":{"stringValue":%s},"traceId":"%s","spanId":"%s","attributes":[`,
			g.at.UnixNano(), quote(g.level), quote(g.message()), g.traceID, g.spanID)
		for j, p := range g.properties {
			if j > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(b, `{"key":%s,"value":`, quote(p.name))
			anyJSON(b, p.value)
			b.WriteByte('}')
		}
		b.WriteString(`]}`)
	}
	b.WriteString(`]}]}]}`)
	return b.Bytes()
}

// encodeGRPC frames an OTLP request as gRPC does: no compression, length.
func encodeGRPC(batch []generated) []byte {
	body := encodeOTLP(batch)
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(body))), body...)
}

func encodeBulk(batch []generated) []byte {
	var b bytes.Buffer
	for i := range batch {
		g := &batch[i]
		fmt.Fprintf(&b, `{"index":{"_index":"bench"}}`+"\n"+`{"@timestamp":%s,"log.level":%s,`, quote(g.at.Format(time.RFC3339Nano)), quote(g.level))
		g.members(&b, "")
		fmt.Fprintf(&b, `"message":%s}`+"\n", quote(g.message()))
	}
	return b.Bytes()
}

// lokiLine is a line of JSON, as loggers send it to Loki.
func (g *generated) lokiLine() string {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"level":%s,`, quote(g.level))
	g.members(&b, "")
	fmt.Fprintf(&b, `"msg":%s}`, quote(g.message()))
	return b.String()
}

func encodeLokiJSON(batch []generated) []byte {
	b := bytes.NewBufferString(`{"streams":[{"stream":{"app":"bench"},"values":[`)
	for i := range batch {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(b, `["%d",%s]`, batch[i].at.UnixNano(), quote(batch[i].lokiLine()))
	}
	b.WriteString(`]}]}`)
	return b.Bytes()
}

// encodeLoki is logproto.PushRequest: streams 1 {labels 1, entries 2 {timestamp 1 {seconds 1, nanos 2}, line 2}}.
func encodeLoki(batch []generated) []byte {
	stream := message(nil, 1, []byte(`{app="bench"}`))
	for i := range batch {
		at := batch[i].at
		stamp := protowire.AppendTag(nil, 1, protowire.VarintType)
		stamp = protowire.AppendVarint(stamp, uint64(at.Unix()))
		stamp = protowire.AppendTag(stamp, 2, protowire.VarintType)
		stamp = protowire.AppendVarint(stamp, uint64(at.Nanosecond()))
		stream = message(stream, 2, message(message(nil, 1, stamp), 2, []byte(batch[i].lokiLine())))
	}
	return s2.EncodeSnappy(nil, message(nil, 1, stream))
}

// encodeSyslog is RFC 5424 in octet-counted frames, the properties as structured data.
func encodeSyslog(batch []generated) []byte {
	var b bytes.Buffer
	for i := range batch {
		g := &batch[i]
		var m bytes.Buffer
		fmt.Fprintf(&m, "<14>1 %s host app 17 - [p@0", g.at.Format("2006-01-02T15:04:05.000000Z07:00"))
		for _, p := range g.properties {
			text := string(p.value)
			if p.value[0] == '"' {
				_ = json.Unmarshal(p.value, &text)
			}
			fmt.Fprintf(&m, ` %s="`, p.name)
			for _, c := range []byte(text) {
				if c == '"' || c == '\\' || c == ']' {
					m.WriteByte('\\')
				}
				m.WriteByte(c)
			}
			m.WriteByte('"')
		}
		fmt.Fprintf(&m, "] %s", g.message())
		fmt.Fprintf(&b, "%d ", m.Len())
		b.Write(m.Bytes())
	}
	return b.Bytes()
}

func encodeGELF(batch []generated) []byte {
	var b bytes.Buffer
	for i := range batch {
		g := &batch[i]
		fmt.Fprintf(&b, `{"version":"1.1","host":"h","timestamp":%d.%06d,"level":6,`, g.at.Unix(), g.at.Nanosecond()/1000)
		g.members(&b, "_")
		fmt.Fprintf(&b, `"short_message":%s}`+"\x00", quote(g.message()))
	}
	return b.Bytes()
}
