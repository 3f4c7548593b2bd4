package otlp

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	collectorlogs "go.opentelemetry.io/proto/slim/otlp/collector/logs/v1"
	collectortrace "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/slim/otlp/logs/v1"
	resourcepb "go.opentelemetry.io/proto/slim/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/stelehq/stele/internal/event"
)

// The mapping a second time, from the types that protoc generates: slow, plain, and with nothing in common
// with the walker but the page it is written from.

type text struct{ strings.Builder }

// member writes a member whose value is JSON.
func (w *text) member(name, json string) {
	if s := w.String(); !strings.HasSuffix(s, "{") {
		w.WriteByte(',')
	}
	w.WriteString(quote(name) + ":" + json)
}

func (w *text) given(name, value string) {
	if value != "" {
		w.member(name, quote(value))
	}
}

func (w *text) number(name string, value uint32) {
	if value != 0 {
		w.member(name, strconv.Itoa(int(value)))
	}
}

func (w *text) id(name string, id []byte) {
	if bytes.Trim(id, "\x00") != nil {
		w.member(name, quote(hex.EncodeToString(id)))
	}
}

func quote(s string) string { return string(event.AppendText(nil, s)) }

func instant(nanos uint64) string {
	if nanos > math.MaxInt64 {
		return quote(time.Unix(int64(nanos/1e9), int64(nanos%1e9)).UTC().Format(time.RFC3339Nano))
	}
	return quote(string(event.AppendTime(nil, int64(nanos))))
}

func jsonOf(v *common.AnyValue) string {
	switch v := v.GetValue().(type) {
	case *common.AnyValue_StringValue:
		return quote(v.StringValue)
	case *common.AnyValue_BoolValue:
		return strconv.FormatBool(v.BoolValue)
	case *common.AnyValue_IntValue:
		return strconv.FormatInt(v.IntValue, 10)
	case *common.AnyValue_DoubleValue:
		if math.IsNaN(v.DoubleValue) {
			return `"NaN"`
		}
		if math.IsInf(v.DoubleValue, 0) {
			return map[bool]string{true: `"Infinity"`, false: `"-Infinity"`}[v.DoubleValue > 0]
		}
		return strconv.FormatFloat(v.DoubleValue, 'g', -1, 64)
	case *common.AnyValue_BytesValue:
		return quote(base64.StdEncoding.EncodeToString(v.BytesValue))
	case *common.AnyValue_ArrayValue:
		var items []string
		for _, item := range v.ArrayValue.GetValues() {
			items = append(items, jsonOf(item))
		}
		return "[" + strings.Join(items, ",") + "]"
	case *common.AnyValue_KvlistValue:
		return objectOf(v.KvlistValue.GetValues())
	}
	return "null"
}

func objectOf(list []*common.KeyValue) string {
	w := new(text)
	w.WriteString("{")
	for _, kv := range list {
		w.member(kv.GetKey(), jsonOf(kv.GetValue()))
	}
	return w.String() + "}"
}

func lastText(list []*common.KeyValue, key string) string {
	found := ""
	for _, kv := range list {
		if kv.GetKey() == key {
			found = kv.GetValue().GetStringValue()
		}
	}
	return found
}

func exceptionOf(list []*common.KeyValue) string {
	kind, message, stack := lastText(list, "exception.type"), lastText(list, "exception.message"), lastText(list, "exception.stacktrace")
	head := kind
	if message != "" {
		head = message
	}
	if stack != "" && strings.Contains(stack, head) {
		return stack
	}
	var first []string
	for _, s := range []string{kind, message} {
		if s != "" {
			first = append(first, s)
		}
	}
	lines := strings.Join(first, ": ")
	if stack != "" {
		lines += "\n" + stack
	}
	return lines
}

func wantResource(r *resourcepb.Resource, schema string) string {
	w := new(text)
	w.WriteString("{")
	w.given("schema_url", schema)
	w.number("dropped_attributes_count", r.GetDroppedAttributesCount())
	if refs := r.GetEntityRefs(); len(refs) > 0 {
		var items []string
		for _, ref := range refs {
			one := new(text)
			one.WriteString("{")
			one.given("schema_url", ref.GetSchemaUrl())
			one.given("type", ref.GetType())
			if list := ref.GetIdKeys(); len(list) > 0 {
				one.member("id_keys", stringsOf(list))
			}
			if list := ref.GetDescriptionKeys(); len(list) > 0 {
				one.member("description_keys", stringsOf(list))
			}
			items = append(items, one.String()+"}")
		}
		w.member("entity_refs", "["+strings.Join(items, ",")+"]")
	}
	return closed(w, r.GetAttributes())
}

func stringsOf(list []string) string {
	var items []string
	for _, s := range list {
		items = append(items, quote(s))
	}
	return "[" + strings.Join(items, ",") + "]"
}

func closed(w *text, attributes []*common.KeyValue) string {
	for _, kv := range attributes {
		w.member(kv.GetKey(), jsonOf(kv.GetValue()))
	}
	if w.String() == "{" {
		return ""
	}
	return w.String() + "}"
}

func wantScope(s *common.InstrumentationScope, schema string) string {
	w := new(text)
	w.WriteString("{")
	w.given("name", s.GetName())
	w.given("version", s.GetVersion())
	w.given("schema_url", schema)
	w.number("dropped_attributes_count", s.GetDroppedAttributesCount())
	return closed(w, s.GetAttributes())
}

// finish writes attributes, resource and scope.
func (w *text) finish(attributes []*common.KeyValue, resource, scope string, taken map[*common.KeyValue]bool) string {
	for _, kv := range attributes {
		if !taken[kv] {
			name := kv.GetKey()
			if strings.HasPrefix(name, "@") {
				name = "@" + name
			}
			w.member(name, jsonOf(kv.GetValue()))
		}
	}
	if resource != "" {
		w.member("@ra", resource)
	}
	if scope != "" {
		w.member("@sa", scope)
	}
	return w.String() + "}"
}

func (w *text) template(attributes []*common.KeyValue) map[*common.KeyValue]bool {
	taken := map[*common.KeyValue]bool{}
	var template, renderings *common.KeyValue
	for _, kv := range attributes {
		switch kv.GetKey() {
		case "message_template.text":
			template = kv
		case "message_template.renderings":
			renderings = kv
		}
	}
	if template.GetValue().GetStringValue() == "" {
		return taken
	}
	taken[template] = true
	w.member("@mt", quote(template.GetValue().GetStringValue()))
	if list, ok := renderings.GetValue().GetValue().(*common.AnyValue_ArrayValue); ok {
		for _, item := range list.ArrayValue.GetValues() {
			if _, ok := item.GetValue().(*common.AnyValue_StringValue); !ok {
				return taken
			}
		}
		taken[renderings] = true
		w.member("@r", jsonOf(renderings.GetValue()))
	}
	return taken
}

func wantLog(r *logspb.LogRecord, resource, scope string) string {
	w := new(text)
	at := r.GetTimeUnixNano()
	if at == 0 {
		at = r.GetObservedTimeUnixNano()
	}
	if at == 0 {
		at = uint64(options.Arrival)
	}
	w.WriteString(`{"@t":` + instant(at))
	number, level := r.GetSeverityNumber(), r.GetSeverityText()
	more := number != 0
	if level != "" {
		w.member("@l", quote(level))
		bases := map[string]int32{"trace": 1, "verbose": 1, "debug": 5, "info": 9, "information": 9, "warn": 13, "warning": 13, "error": 17, "fatal": 21}
		name := strings.ToLower(level)
		if base, ok := bases[strings.TrimRight(name, "1234")]; ok && len(name)-len(strings.TrimRight(name, "1234")) <= 1 {
			if digit := strings.TrimPrefix(name, strings.TrimRight(name, "1234")); digit != "" {
				base += int32(digit[0] - '1')
			}
			more = more && int32(number) != base
		}
	} else if number >= 1 && number <= 24 {
		w.member("@l", quote([]string{"Verbose", "Debug", "Information", "Warning", "Error", "Fatal"}[(number-1)/4]))
		more = number%4 != 1
	}
	taken := w.template(r.GetAttributes())
	body, isText := r.GetBody().GetValue().(*common.AnyValue_StringValue)
	structured := !isText && r.GetBody().GetValue() != nil
	switch {
	case isText:
		w.member("@m", quote(body.StringValue))
	case r.GetEventName() != "":
		w.member("@m", quote(r.GetEventName()))
	case structured:
		json := jsonOf(r.GetBody())
		if strings.HasPrefix(json, `"`) {
			w.member("@m", json)
		} else {
			w.member("@m", quote(json))
		}
	}
	w.given("@x", exceptionOf(r.GetAttributes()))
	w.id("@tr", r.GetTraceId())
	w.id("@sp", r.GetSpanId())
	if more {
		w.member("severity_number", strconv.Itoa(int(number)))
	}
	w.given("event_name", r.GetEventName())
	if observed := r.GetObservedTimeUnixNano(); observed != 0 && observed != at {
		w.member("observed_time", instant(observed))
	}
	w.number("flags", r.GetFlags())
	w.number("dropped_attributes_count", r.GetDroppedAttributesCount())
	if structured {
		w.member("body", jsonOf(r.GetBody()))
	}
	return w.finish(r.GetAttributes(), resource, scope, taken)
}

func wantSpan(s *tracepb.Span, resource, scope string) string {
	w := new(text)
	at := s.GetEndTimeUnixNano()
	if at == 0 {
		at = s.GetStartTimeUnixNano()
	}
	if at == 0 {
		at = uint64(options.Arrival)
	}
	w.WriteString(`{"@t":` + instant(at))
	if start := s.GetStartTimeUnixNano(); start != 0 {
		w.member("@st", instant(start))
	}
	code := s.GetStatus().GetCode()
	if code == tracepb.Status_STATUS_CODE_ERROR {
		w.member("@l", `"Error"`)
	}
	taken := w.template(s.GetAttributes())
	w.given("@m", s.GetName())
	var exceptions []string
	for _, e := range s.GetEvents() {
		if x := exceptionOf(e.GetAttributes()); x != "" {
			exceptions = append(exceptions, x)
		}
	}
	if len(exceptions) == 0 {
		exceptions = append(exceptions, exceptionOf(s.GetAttributes()))
	}
	w.given("@x", strings.Join(exceptions, "\n"))
	w.id("@tr", s.GetTraceId())
	w.id("@sp", s.GetSpanId())
	w.id("@ps", s.GetParentSpanId())
	switch kind := s.GetKind(); {
	case kind >= 1 && kind <= 5:
		w.member("@sk", quote([]string{"", "Internal", "Server", "Client", "Producer", "Consumer"}[kind]))
	case kind != 0:
		w.member("kind", strconv.Itoa(int(kind)))
	}
	w.given("trace_state", s.GetTraceState())
	if message := s.GetStatus().GetMessage(); code != 0 || message != "" {
		status := new(text)
		status.WriteString("{")
		switch code {
		case 0:
		case 1:
			status.member("code", `"Ok"`)
		case 2:
			status.member("code", `"Error"`)
		default:
			status.member("code", strconv.Itoa(int(code)))
		}
		status.given("message", message)
		w.member("status", status.String()+"}")
	}
	w.number("flags", s.GetFlags())
	w.number("dropped_attributes_count", s.GetDroppedAttributesCount())
	var items []string
	for _, e := range s.GetEvents() {
		one := new(text)
		one.WriteString("{")
		if e.GetTimeUnixNano() != 0 {
			one.member("time", instant(e.GetTimeUnixNano()))
		}
		one.given("name", e.GetName())
		one.inner(e.GetDroppedAttributesCount(), e.GetAttributes())
		items = append(items, one.String()+"}")
	}
	if len(items) > 0 {
		w.member("events", "["+strings.Join(items, ",")+"]")
	}
	w.number("dropped_events_count", s.GetDroppedEventsCount())
	items = nil
	for _, l := range s.GetLinks() {
		one := new(text)
		one.WriteString("{")
		one.id("trace_id", l.GetTraceId())
		one.id("span_id", l.GetSpanId())
		one.given("trace_state", l.GetTraceState())
		one.number("flags", l.GetFlags())
		one.inner(l.GetDroppedAttributesCount(), l.GetAttributes())
		items = append(items, one.String()+"}")
	}
	if len(items) > 0 {
		w.member("links", "["+strings.Join(items, ",")+"]")
	}
	w.number("dropped_links_count", s.GetDroppedLinksCount())
	return w.finish(s.GetAttributes(), resource, scope, taken)
}

func (w *text) inner(dropped uint32, attributes []*common.KeyValue) {
	w.number("dropped_attributes_count", dropped)
	if len(attributes) > 0 {
		w.member("attributes", objectOf(attributes))
	}
}

func wantLogs(r *collectorlogs.ExportLogsServiceRequest) (lines []string) {
	for _, group := range r.GetResourceLogs() {
		resource := wantResource(group.GetResource(), group.GetSchemaUrl())
		for _, inner := range group.GetScopeLogs() {
			scope := wantScope(inner.GetScope(), inner.GetSchemaUrl())
			for _, record := range inner.GetLogRecords() {
				lines = append(lines, wantLog(record, resource, scope))
			}
		}
	}
	return lines
}

func wantTraces(r *collectortrace.ExportTraceServiceRequest) (lines []string) {
	for _, group := range r.GetResourceSpans() {
		resource := wantResource(group.GetResource(), group.GetSchemaUrl())
		for _, inner := range group.GetScopeSpans() {
			scope := wantScope(inner.GetScope(), inner.GetSchemaUrl())
			for _, span := range inner.GetSpans() {
				lines = append(lines, wantSpan(span, resource, scope))
			}
		}
	}
	return lines
}

// Random requests, written by the generated code in protobuf and in every dialect of its JSON, become what the plain mapping says.
func TestAgainstGeneratedTypes(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		logsRequest, tracesRequest := randomLogs(r), randomTraces(r)
		same(t, logsRequest, Logs, LogsJSON, wantLogs(logsRequest))
		same(t, tracesRequest, Traces, TracesJSON, wantTraces(tracesRequest))
	})
}

func same(t *testing.T, request proto.Message, protobuf, json decoder, want []string) {
	t.Helper()
	wire, err := proto.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	check(t, protobuf, wire, want)
	for _, o := range []protojson.MarshalOptions{{}, {UseProtoNames: true, UseEnumNumbers: true}, {EmitUnpopulated: true, Multiline: true}} {
		body, err := o.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		check(t, json, body, want)
	}
}

func check(t *testing.T, d decoder, body []byte, want []string) {
	t.Helper()
	b := &collector{t: t}
	o := options
	o.EventBytes = 1 << 20
	p, err := d(b, body, o)
	if err != nil || p.Count > 0 {
		t.Fatalf("%v %v of %q", err, p.Refused, body)
	}
	for i, line := range b.Lines {
		if i >= len(want) || line != want[i] {
			t.Fatalf("event %d\ngot  %s\nwant %s\nof %q", i, line, want[min(i, len(want)-1)], body)
		}
	}
	if len(b.Lines) != len(want) {
		t.Fatalf("%d events, want %d", len(b.Lines), len(want))
	}
}

func randomText() *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom([]string{"", "a", "a.b", "@m", "@@", "{x}", "\"\n\\", "é\u2028\x00", "INFO", "Warn2", "odd one", "exception.type", "message_template.text"}), rapid.String())
}

func randomValue(depth int) *rapid.Generator[*common.AnyValue] {
	return rapid.Custom(func(r *rapid.T) *common.AnyValue {
		most := 7
		if depth > 3 {
			most = 5
		}
		switch rapid.IntRange(0, most).Draw(r, "kind") {
		case 0:
			return &common.AnyValue{}
		case 1:
			return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: randomText().Draw(r, "text")}}
		case 2:
			return &common.AnyValue{Value: &common.AnyValue_BoolValue{BoolValue: rapid.Bool().Draw(r, "bool")}}
		case 3:
			return &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: rapid.Int64().Draw(r, "int")}}
		case 4:
			return &common.AnyValue{Value: &common.AnyValue_DoubleValue{DoubleValue: rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1)})).Draw(r, "double")}}
		case 5:
			return &common.AnyValue{Value: &common.AnyValue_BytesValue{BytesValue: rapid.SliceOf(rapid.Byte()).Draw(r, "bytes")}}
		case 6:
			return &common.AnyValue{Value: &common.AnyValue_ArrayValue{ArrayValue: &common.ArrayValue{Values: rapid.SliceOfN(randomValue(depth+1), 0, 3).Draw(r, "array")}}}
		}
		return &common.AnyValue{Value: &common.AnyValue_KvlistValue{KvlistValue: &common.KeyValueList{Values: randomAttributes(depth+1).Draw(r, "list")}}}
	})
}

func randomAttributes(depth int) *rapid.Generator[[]*common.KeyValue] {
	one := rapid.Custom(func(r *rapid.T) *common.KeyValue {
		kv := &common.KeyValue{Key: rapid.OneOf(randomText(), rapid.SampledFrom([]string{"exception.message", "exception.stacktrace", "message_template.renderings"})).Draw(r, "key")}
		if rapid.IntRange(0, 9).Draw(r, "given") > 0 {
			kv.Value = randomValue(depth).Draw(r, "value")
		}
		return kv
	})
	return rapid.SliceOfN(one, 0, 4)
}

func randomTime() *rapid.Generator[uint64] {
	return rapid.OneOf(rapid.Just[uint64](0), rapid.Uint64(), rapid.Uint64Range(1.7e18, 1.8e18))
}

func randomID(n int) *rapid.Generator[[]byte] {
	return rapid.OneOf(rapid.Just[[]byte](nil), rapid.Just(make([]byte, n)), rapid.SliceOfN(rapid.Byte(), n, n))
}

func randomCount() *rapid.Generator[uint32] {
	return rapid.OneOf(rapid.Just[uint32](0), rapid.Uint32())
}

func randomResource(r *rapid.T) *resourcepb.Resource {
	if rapid.IntRange(0, 4).Draw(r, "given") == 0 {
		return nil
	}
	res := &resourcepb.Resource{Attributes: randomAttributes(0).Draw(r, "attributes"), DroppedAttributesCount: randomCount().Draw(r, "dropped")}
	for range rapid.IntRange(0, 2).Draw(r, "refs") {
		res.EntityRefs = append(res.EntityRefs, &common.EntityRef{SchemaUrl: randomText().Draw(r, "schema"), Type: randomText().Draw(r, "type"),
			IdKeys: rapid.SliceOfN(randomText(), 0, 2).Draw(r, "ids"), DescriptionKeys: rapid.SliceOfN(randomText(), 0, 2).Draw(r, "descriptions")})
	}
	return res
}

func randomScope(r *rapid.T) *common.InstrumentationScope {
	if rapid.IntRange(0, 4).Draw(r, "given") == 0 {
		return nil
	}
	return &common.InstrumentationScope{Name: randomText().Draw(r, "name"), Version: randomText().Draw(r, "version"),
		Attributes: randomAttributes(0).Draw(r, "attributes"), DroppedAttributesCount: randomCount().Draw(r, "dropped")}
}

func randomLogs(r *rapid.T) *collectorlogs.ExportLogsServiceRequest {
	request := &collectorlogs.ExportLogsServiceRequest{}
	for range rapid.IntRange(0, 2).Draw(r, "resources") {
		group := &logspb.ResourceLogs{Resource: randomResource(r), SchemaUrl: randomText().Draw(r, "schema")}
		for range rapid.IntRange(0, 2).Draw(r, "scopes") {
			inner := &logspb.ScopeLogs{Scope: randomScope(r), SchemaUrl: randomText().Draw(r, "schema")}
			for range rapid.IntRange(0, 3).Draw(r, "records") {
				record := &logspb.LogRecord{
					TimeUnixNano: randomTime().Draw(r, "time"), ObservedTimeUnixNano: randomTime().Draw(r, "observed"),
					SeverityNumber: logspb.SeverityNumber(rapid.OneOf(rapid.Int32Range(0, 25), rapid.Int32()).Draw(r, "number")), SeverityText: randomText().Draw(r, "severity"),
					Attributes: randomAttributes(0).Draw(r, "attributes"), DroppedAttributesCount: randomCount().Draw(r, "dropped"), Flags: randomCount().Draw(r, "flags"),
					TraceId: randomID(16).Draw(r, "trace"), SpanId: randomID(8).Draw(r, "span"), EventName: randomText().Draw(r, "name"),
				}
				if rapid.Bool().Draw(r, "body") {
					record.Body = randomValue(0).Draw(r, "body")
				}
				inner.LogRecords = append(inner.LogRecords, record)
			}
			group.ScopeLogs = append(group.ScopeLogs, inner)
		}
		request.ResourceLogs = append(request.ResourceLogs, group)
	}
	return request
}

func randomTraces(r *rapid.T) *collectortrace.ExportTraceServiceRequest {
	request := &collectortrace.ExportTraceServiceRequest{}
	for range rapid.IntRange(0, 2).Draw(r, "resources") {
		group := &tracepb.ResourceSpans{Resource: randomResource(r), SchemaUrl: randomText().Draw(r, "schema")}
		for range rapid.IntRange(0, 2).Draw(r, "scopes") {
			inner := &tracepb.ScopeSpans{Scope: randomScope(r), SchemaUrl: randomText().Draw(r, "schema")}
			for range rapid.IntRange(0, 3).Draw(r, "spans") {
				inner.Spans = append(inner.Spans, randomSpan(r))
			}
			group.ScopeSpans = append(group.ScopeSpans, inner)
		}
		request.ResourceSpans = append(request.ResourceSpans, group)
	}
	return request
}

func randomSpan(r *rapid.T) *tracepb.Span {
	s := &tracepb.Span{
		TraceId: randomID(16).Draw(r, "trace"), SpanId: randomID(8).Draw(r, "span"), ParentSpanId: randomID(8).Draw(r, "parent"),
		TraceState: randomText().Draw(r, "state"), Flags: randomCount().Draw(r, "flags"), Name: randomText().Draw(r, "name"),
		Kind:              tracepb.Span_SpanKind(rapid.OneOf(rapid.Int32Range(0, 6), rapid.Int32()).Draw(r, "kind")),
		StartTimeUnixNano: randomTime().Draw(r, "start"), EndTimeUnixNano: randomTime().Draw(r, "end"),
		Attributes: randomAttributes(0).Draw(r, "attributes"), DroppedAttributesCount: randomCount().Draw(r, "dropped"),
		DroppedEventsCount: randomCount().Draw(r, "events"), DroppedLinksCount: randomCount().Draw(r, "links"),
	}
	for range rapid.IntRange(0, 2).Draw(r, "events") {
		s.Events = append(s.Events, &tracepb.Span_Event{TimeUnixNano: randomTime().Draw(r, "time"), Name: randomText().Draw(r, "name"),
			Attributes: randomAttributes(1).Draw(r, "attributes"), DroppedAttributesCount: randomCount().Draw(r, "dropped")})
	}
	for range rapid.IntRange(0, 2).Draw(r, "links") {
		s.Links = append(s.Links, &tracepb.Span_Link{TraceId: randomID(16).Draw(r, "trace"), SpanId: randomID(8).Draw(r, "span"), TraceState: randomText().Draw(r, "state"),
			Attributes: randomAttributes(1).Draw(r, "attributes"), DroppedAttributesCount: randomCount().Draw(r, "dropped"), Flags: randomCount().Draw(r, "flags")})
	}
	if rapid.Bool().Draw(r, "status") {
		s.Status = &tracepb.Status{Code: tracepb.Status_StatusCode(rapid.Int32Range(0, 3).Draw(r, "code")), Message: randomText().Draw(r, "message")}
	}
	return s
}
