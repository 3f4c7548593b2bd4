package otlp

import "google.golang.org/protobuf/encoding/protowire"

// A messageType names a row of messages; rows refer to each other in circles.
type messageType uint8

const (
	anyValue messageType = iota
	arrayValue
	keyValueList
	keyValue
	resource
	entityRef
	scope
	logRecord
	span
	spanEvent
	spanLink
	spanStatus
	resourceGroup // ResourceLogs and ResourceSpans
	scopeGroup    // ScopeLogs and ScopeSpans
	request
)

// A message says which fields of one protobuf message are known.
type message struct {
	name   string
	fields []fieldType // field n is the n-th; a gap is a zero row
}

// A fieldType is one known field: how it lies on the wire, and what it is called in JSON.
type fieldType struct {
	number   protowire.Number
	name     string
	kind     kind
	of       messageType // of kindMessage
	repeated bool
	list     uint8            // which of mapper.lists takes it, of a repeated one that is neither an attribute nor an item of a group
	names    map[string]int32 // of kindEnum
}

type kind uint8

const (
	kindString  kind = iota
	kindBytes        // base64 in JSON
	kindID           // bytes, hex in JSON
	kindMessage      // length-delimited like those above
	kindBool         // varint, like the next three
	kindInt          // signed, 64 bits
	kindUint32       //
	kindEnum         // signed, 32 bits
	kindFixed64      // unsigned
	kindDouble       // 8 bytes
	kindFixed32      // unsigned
)

func (k kind) wire() protowire.Type {
	switch k {
	case kindString, kindBytes, kindID, kindMessage:
		return protowire.BytesType
	case kindFixed64, kindDouble:
		return protowire.Fixed64Type
	case kindFixed32:
		return protowire.Fixed32Type
	}
	return protowire.VarintType
}

// find returns the field of a number, nil if it is not known.
func (m *message) find(number protowire.Number) *fieldType {
	if i := int(number) - 1; i < len(m.fields) && m.fields[i].number == number {
		return &m.fields[i]
	}
	return nil
}

// messages are those of opentelemetry/proto, version 1.11, in github.com/open-telemetry/opentelemetry-proto. Its
// fields for profiles (string_value_strindex, key_strindex) count as unknown, as it says they should.
var messages = [...]message{
	anyValue: {"AnyValue", []fieldType{
		{number: 1, name: "stringValue", kind: kindString},
		{number: 2, name: "boolValue", kind: kindBool},
		{number: 3, name: "intValue", kind: kindInt},
		{number: 4, name: "doubleValue", kind: kindDouble},
		{number: 5, name: "arrayValue", kind: kindMessage, of: arrayValue},
		{number: 6, name: "kvlistValue", kind: kindMessage, of: keyValueList},
		{number: 7, name: "bytesValue", kind: kindBytes},
	}},
	arrayValue: {"ArrayValue", []fieldType{
		{number: 1, name: "values", kind: kindMessage, of: anyValue, repeated: true},
	}},
	keyValueList: {"KeyValueList", []fieldType{
		{number: 1, name: "values", kind: kindMessage, of: keyValue, repeated: true},
	}},
	keyValue: {"KeyValue", []fieldType{
		{number: 1, name: "key", kind: kindString},
		{number: 2, name: "value", kind: kindMessage, of: anyValue},
	}},
	resource: {"Resource", []fieldType{
		{number: 1, name: "attributes", kind: kindMessage, of: keyValue, repeated: true},
		{number: 2, name: "droppedAttributesCount", kind: kindUint32},
		{number: 3, name: "entityRefs", kind: kindMessage, of: entityRef, repeated: true, list: outerList},
	}},
	entityRef: {"EntityRef", []fieldType{
		{number: 1, name: "schemaUrl", kind: kindString},
		{number: 2, name: "type", kind: kindString},
		{number: 3, name: "idKeys", kind: kindString, repeated: true, list: idKeys},
		{number: 4, name: "descriptionKeys", kind: kindString, repeated: true, list: descriptionKeys},
	}},
	scope: {"InstrumentationScope", []fieldType{
		{number: 1, name: "name", kind: kindString},
		{number: 2, name: "version", kind: kindString},
		{number: 3, name: "attributes", kind: kindMessage, of: keyValue, repeated: true},
		{number: 4, name: "droppedAttributesCount", kind: kindUint32},
	}},
	logRecord: {"LogRecord", []fieldType{
		{number: 1, name: "timeUnixNano", kind: kindFixed64},
		{number: 2, name: "severityNumber", kind: kindEnum, names: severityNames},
		{number: 3, name: "severityText", kind: kindString},
		{},
		{number: 5, name: "body", kind: kindMessage, of: anyValue},
		{number: 6, name: "attributes", kind: kindMessage, of: keyValue, repeated: true},
		{number: 7, name: "droppedAttributesCount", kind: kindUint32},
		{number: 8, name: "flags", kind: kindFixed32},
		{number: 9, name: "traceId", kind: kindID},
		{number: 10, name: "spanId", kind: kindID},
		{number: 11, name: "observedTimeUnixNano", kind: kindFixed64},
		{number: 12, name: "eventName", kind: kindString},
	}},
	span: {"Span", []fieldType{
		{number: 1, name: "traceId", kind: kindID},
		{number: 2, name: "spanId", kind: kindID},
		{number: 3, name: "traceState", kind: kindString},
		{number: 4, name: "parentSpanId", kind: kindID},
		{number: 5, name: "name", kind: kindString},
		{number: 6, name: "kind", kind: kindEnum, names: spanKinds},
		{number: 7, name: "startTimeUnixNano", kind: kindFixed64},
		{number: 8, name: "endTimeUnixNano", kind: kindFixed64},
		{number: 9, name: "attributes", kind: kindMessage, of: keyValue, repeated: true},
		{number: 10, name: "droppedAttributesCount", kind: kindUint32},
		{number: 11, name: "events", kind: kindMessage, of: spanEvent, repeated: true, list: outerList},
		{number: 12, name: "droppedEventsCount", kind: kindUint32},
		{number: 13, name: "links", kind: kindMessage, of: spanLink, repeated: true, list: linkList},
		{number: 14, name: "droppedLinksCount", kind: kindUint32},
		{number: 15, name: "status", kind: kindMessage, of: spanStatus},
		{number: 16, name: "flags", kind: kindFixed32},
	}},
	spanEvent: {"Event", []fieldType{
		{number: 1, name: "timeUnixNano", kind: kindFixed64},
		{number: 2, name: "name", kind: kindString},
		{number: 3, name: "attributes", kind: kindMessage, of: keyValue, repeated: true},
		{number: 4, name: "droppedAttributesCount", kind: kindUint32},
	}},
	spanLink: {"Link", []fieldType{
		{number: 1, name: "traceId", kind: kindID},
		{number: 2, name: "spanId", kind: kindID},
		{number: 3, name: "traceState", kind: kindString},
		{number: 4, name: "attributes", kind: kindMessage, of: keyValue, repeated: true},
		{number: 5, name: "droppedAttributesCount", kind: kindUint32},
		{number: 6, name: "flags", kind: kindFixed32},
	}},
	spanStatus: {"Status", []fieldType{
		{},
		{number: 2, name: "message", kind: kindString},
		{number: 3, name: "code", kind: kindEnum, names: statusCodes},
	}},
	// Of these the JSON names are the signal's.
	resourceGroup: {"group of a resource", []fieldType{
		{number: groupHead, kind: kindMessage, of: resource},
		{number: groupItems, kind: kindMessage, of: scopeGroup, repeated: true},
		{number: groupSchema, kind: kindString},
	}},
	scopeGroup: {"group of a scope", []fieldType{
		{number: groupHead, kind: kindMessage, of: scope},
		{number: groupItems, kind: kindMessage, repeated: true},
		{number: groupSchema, kind: kindString},
	}},
	request: {"request", []fieldType{
		{number: requestItems, kind: kindMessage, of: resourceGroup, repeated: true},
	}},
}

// Places in mapper.lists. What lies inside an item of one has another.
const (
	outerList = iota // of a span's events or a resource's entities
	linkList         // of a span
	idKeys           // of an entity
	descriptionKeys
	listCount
)

const (
	requestItems = 1
	groupHead    = 1
	groupItems   = 2
	groupSchema  = 3
)

// The names of enumerations, which only JSON can bring.
var (
	severityNames = map[string]int32{
		"SEVERITY_NUMBER_UNSPECIFIED": 0,
		"SEVERITY_NUMBER_TRACE":       1, "SEVERITY_NUMBER_TRACE2": 2, "SEVERITY_NUMBER_TRACE3": 3, "SEVERITY_NUMBER_TRACE4": 4,
		"SEVERITY_NUMBER_DEBUG": 5, "SEVERITY_NUMBER_DEBUG2": 6, "SEVERITY_NUMBER_DEBUG3": 7, "SEVERITY_NUMBER_DEBUG4": 8,
		"SEVERITY_NUMBER_INFO": 9, "SEVERITY_NUMBER_INFO2": 10, "SEVERITY_NUMBER_INFO3": 11, "SEVERITY_NUMBER_INFO4": 12,
		"SEVERITY_NUMBER_WARN": 13, "SEVERITY_NUMBER_WARN2": 14, "SEVERITY_NUMBER_WARN3": 15, "SEVERITY_NUMBER_WARN4": 16,
		"SEVERITY_NUMBER_ERROR": 17, "SEVERITY_NUMBER_ERROR2": 18, "SEVERITY_NUMBER_ERROR3": 19, "SEVERITY_NUMBER_ERROR4": 20,
		"SEVERITY_NUMBER_FATAL": 21, "SEVERITY_NUMBER_FATAL2": 22, "SEVERITY_NUMBER_FATAL3": 23, "SEVERITY_NUMBER_FATAL4": 24,
	}
	spanKinds = map[string]int32{
		"SPAN_KIND_UNSPECIFIED": 0, "SPAN_KIND_INTERNAL": 1, "SPAN_KIND_SERVER": 2,
		"SPAN_KIND_CLIENT": 3, "SPAN_KIND_PRODUCER": 4, "SPAN_KIND_CONSUMER": 5,
	}
	statusCodes = map[string]int32{"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": statusOK, "STATUS_CODE_ERROR": statusError}
)

const (
	statusOK    = 1
	statusError = 2
)
