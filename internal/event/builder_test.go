package event

import (
	"encoding/json"
	"math"
	"testing"
)

func TestBuilder(t *testing.T) {
	var b Builder
	for range 2 { // the second event must not see the first
		b.Begin(1_700_000_000_000_000_000)
		b.Name("@l").Text("Error")
		b.User("@m").Int(-1)
		b.User("").Null()
		b.User("a\"b").Open('{').Inner("@x").Bool(true).Inner("n").Uint(math.MaxUint64).Close('}')
		b.User("list").Open('[').Float(0.1).Float(math.NaN()).Float(math.Inf(-1)).Float(1e300).Open('[').Close(']').Close(']')
		b.User("bad").String([]byte{'x', 0xff})
		b.UserBytes([]byte("@b\xff")).Open('{').InnerBytes([]byte("@i\xff")).Null().Close('}')
		b.User("raw").Raw([]byte(`{"k":[1]}`))
		n := b.Len()
		b.User("gone").Int(1)
		b.Truncate(n)
		b.User("at").Time(0)
		if so := string(b.Bytes()); so[len(so)-1] != '"' {
			t.Errorf("written so far: %s", so)
		}
		got := string(b.End())
		want := `{"@t":"2023-11-14T22:13:20.0000000Z","@l":"Error","@@m":-1,"":null,"a\"b":{"@x":true,"n":18446744073709551615},` +
			`"list":[0.1,"NaN","-Infinity",1e+300,[]],"bad":"x` + "\ufffd" + `","@@b` + "\ufffd" + `":{"@i` + "\ufffd" + `":null},"raw":{"k":[1]},"at":"1970-01-01T00:00:00.0000000Z"}`
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if !json.Valid([]byte(got)) {
			t.Error("it is not JSON")
		}
	}
}
