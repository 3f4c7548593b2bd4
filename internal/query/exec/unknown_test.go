package exec

import (
	"testing"

	"github.com/stelehq/stele/internal/query/syntax"
)

func TestUnknownPropertiesHaveTheNearestKnownName(t *testing.T) {
	known := []string{"Elapsed", "Host", "User", "id.orig_h", "StatusCode"}
	for text, want := range map[string][]string{
		"Elapsed > 1 and User.Anything = 2":              nil,
		"id.orig_h = '10.0.0.1'":                         nil,
		"let |x: Host| x = 'a' or Some(User, |y| y = 1)": nil,
		"Elasped > 1":                                   {"line 1, column 1: no event has a property Elasped (did you mean `Elapsed`?)"},
		"Host = 'a' and host = 'a' or Zebra":            {"line 1, column 16: no event has a property host (did you mean `Host`?)", "line 1, column 30: no event has a property Zebra"},
		"@Properties['Statuscode'] = @Properties.Usr.x": {"line 1, column 1: no event has a property Statuscode (did you mean `StatusCode`?)", "line 1, column 29: no event has a property Usr (did you mean `User`?)"},
	} {
		tree, err := syntax.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		found := Unknown(text, tree, known)
		for i := range max(len(found), len(want)) {
			if i >= len(found) || i >= len(want) || found[i].Error() != want[i] {
				t.Errorf("%s: %v, not %v", text, found, want)
				break
			}
		}
	}
}
