package ingest

import (
	"testing"

	"github.com/stelehq/stele/internal/event"
)

func instantOfText(t testing.TB, text string) int64 {
	t.Helper()
	instant, _, err := event.ParseTime([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return instant
}

func TestObjectsInContext(t *testing.T) {
	const arrival, other = "2026-11-20T12:00:00Z", "2020-01-01T00:00:00Z"
	for _, c := range []struct {
		name   string
		o      ObjectOptions
		c      ObjectContext
		object string
		want   string
		dated  bool
	}{
		{"undated", ObjectOptions{}, ObjectContext{}, `{"a":1}`, `{"@t":"2026-11-20T12:00:00.0000000Z","a":1}`, false},
		{"dated", ObjectOptions{}, ObjectContext{}, `{"time":"` + other + `"}`, `{"@t":"2020-01-01T00:00:00.0000000Z","time":"2020-01-01T00:00:00Z"}`, true},
		{"the context's time", ObjectOptions{}, ObjectContext{Fixed: true}, `{"time":"` + other + `"}`, `{"@t":"2026-11-20T12:00:00.0000000Z","time":"2020-01-01T00:00:00Z"}`, false},
		{"the context's time against CLEF", ObjectOptions{}, ObjectContext{Fixed: true}, `{"@t":"` + other + `","@m":"x"}`, `{"@t":"2026-11-20T12:00:00.0000000Z","@@t":"2020-01-01T00:00:00Z","@m":"x"}`, false},
		{"extra members come first, so that the object's count", ObjectOptions{}, ObjectContext{Extra: []byte(`"_index":"a","b":1`)}, `{"message":"m","b":2}`,
			`{"@t":"2026-11-20T12:00:00.0000000Z","@m":"m","_index":"a","b":1,"message":"m","b":2}`, false},
		{"extra members of nothing", ObjectOptions{}, ObjectContext{Extra: []byte(`"_id":"a"`)}, `{}`, `{"@t":"2026-11-20T12:00:00.0000000Z","_id":"a"}`, false},
		{"words of levels are kept", ObjectOptions{KeepLevels: true}, ObjectContext{}, `{"level":"warn"}`, `{"@t":"2026-11-20T12:00:00.0000000Z","@l":"warn","level":"warn"}`, false},
		{"numbers of levels are not", ObjectOptions{KeepLevels: true}, ObjectContext{}, `{"level":50}`, `{"@t":"2026-11-20T12:00:00.0000000Z","@l":"Error","level":50}`, false},
		{"a level from elsewhere", ObjectOptions{}, ObjectContext{Level: "warn"}, `{"a":1}`, `{"@t":"2026-11-20T12:00:00.0000000Z","@l":"Warning","a":1}`, false},
		{"a level from elsewhere, kept", ObjectOptions{KeepLevels: true}, ObjectContext{Level: "odd"}, `{"a":1}`, `{"@t":"2026-11-20T12:00:00.0000000Z","@l":"odd","a":1}`, false},
		{"a level from elsewhere gives way", ObjectOptions{}, ObjectContext{Level: "warn"}, `{"level":"error"}`, `{"@t":"2026-11-20T12:00:00.0000000Z","@l":"Error","level":"error"}`, false},
		{"a date without a year", ObjectOptions{}, ObjectContext{}, `{"time":"Dec 24 18:00:00"}`, `{"@t":"2025-12-24T18:00:00.0000000Z","time":"Dec 24 18:00:00"}`, true},
	} {
		c.c.Instant = instantOfText(t, arrival)
		x := NewObjects(c.o)
		for range 2 { // what one object leaves behind is nothing to the next
			got, found, err := x.Append([]byte("before "), []byte(c.object), c.c)
			if err != nil || string(got) != "before "+c.want || found.Dated != c.dated {
				t.Errorf("%s:\n%s, dated %v, %v\nwant\n%s, %v", c.name, got, found.Dated, err, c.want, c.dated)
			}
			if out, _, err := x.Append([]byte("before "), []byte(`{"level":"fatal","@t":`), c.c); err == nil || string(out) != "before " {
				t.Errorf("what is no object became %s, %v", out, err)
			}
		}
	}
}

// The objects of one library after another cost no memory.
func TestObjectsAllocateNothing(t *testing.T) {
	for name, object := range map[string]string{
		"zap":        `{"level":"info","ts":1669575482.0968924,"caller":"a/b.go:7","msg":"up","n":[1,2,{"a":null}]}`,
		"pino":       `{"level":30,"time":1531171074631,"pid":657,"hostname":"box","msg":"hello \"world\"\n"}`,
		"bunyan":     `{"name":"a","level":50,"msg":"m","time":"2012-02-08T22:56:50.856Z","err":{"stack":"Error: x\n    at y"},"v":0}`,
		"ecs":        `{"@timestamp":"2024-01-02T03:04:05.678Z","log.level":"warn","message":"m","trace.id":"4bf92f3577b34da6a3ce929d0e0e4736","error":{"type":"A","stack_trace":"A: b\n\tat c"}}`,
		"log4j2":     `{"instant":{"epochSecond":1669575482,"nanoOfSecond":96892400},"level":"ERROR","message":"m","thrown":{"name":"a.B","message":"c","extendedStackTrace":[{"class":"D","method":"e","file":"D.java","line":7}]}}`,
		"cloudtrail": `{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","userName":"a"},"eventTime":"2023-07-10T11:42:36Z","eventName":"PutObject"}`,
		"nginx":      `{"time_local":"17/May/2015:10:05:03 +0000","request":"GET / HTTP/1.1","status":404}`,
		"journald":   `{"__REALTIME_TIMESTAMP":"1698386133268880","PRIORITY":"3","MESSAGE":[104,105]}`,
		"postgres":   `{"timestamp":"2022-11-27 18:58:02.096 UTC","error_severity":"LOG","message":"in"}`,
	} {
		x, text, dst := NewObjects(ObjectOptions{}), []byte(object), []byte(nil)
		c := ObjectContext{Instant: 1, Extra: []byte(`"_index":"a"`)}
		if n := testing.AllocsPerRun(100, func() { dst, _, _ = x.Append(dst[:0], text, c) }); n != 0 {
			t.Errorf("%s: %v allocations for %s", name, n, dst)
		}
	}
}
