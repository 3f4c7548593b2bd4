package exec

import (
	"slices"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/query/syntax"
)

func TestUnknownPropertiesHaveTheNearestKnownName(t *testing.T) {
	var known Known
	for _, path := range [][]string{{"Elapsed"}, {"Host"}, {"User"}, {"User", "Name"}, {"User", "Full Name"}, {"id.orig_h"}, {"StatusCode"}, {"Content-Type"}, {"http.status_code"}, {"message"}} {
		known.Add(path)
	}
	for text, want := range map[string]string{
		"Elapsed > 1 and User.Name = 2":                  "",
		"id.orig_h = '10.0.0.1' and id['orig_h'] = 1":    "",
		"let |x: Host| x = 'a' or Some(User, |y| y = 1)": "",
		"@Level = 'x' and @Resource.service.name = 'a'":  "",
		"User[?] = 'x' and User[Host] = 1":               "",
		"Elasped > 1 or Elasped < 0":                     "Elasped, Elapsed",
		"Host = 'a' and host = 'a' or Zebra":             "host, Host; Zebra, ",
		"@Properties['Statuscode'] = @p.Usr.Name.x":      "Statuscode, StatusCode; Usr, User",
		"User.Nmae = 'a' or User['full name'] = 1":       "User.Nmae, User.Name; User['full name'], User['Full Name']",
		"User.Age = 1":                    "User.Age, ",
		"User.Name.First = 'a'":           "User.Name.First, ",
		"Name = 'a'":                      "Name, User.Name",
		"Level = 'x' and Timestamp > 1":   "Level, @Level; Timestamp, @Timestamp",
		"Message = 'x' and Levl = 1":      "Message, message; Levl, ",
		"http.status_cod = 404":           "http.status_cod, http.status_code",
		"@Properties['content-type'] = 1": "@Properties['content-type'], @Properties['Content-Type']",
		"Host[Elapsd] = 1":                "Elapsd, Elapsed",
	} {
		tree, err := syntax.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, path := range Properties([]syntax.Expr{tree, tree}) {
			if !known.Has(path) {
				unknown, nearest := known.Nearest(path)
				found = append(found, unknown+", "+nearest)
			}
		}
		slices.Sort(found)
		wanted := strings.Split(want, "; ")
		slices.Sort(wanted)
		if got := strings.Join(found, "; "); got != strings.Join(wanted, "; ") {
			t.Errorf("%s: %s, not %s", text, got, want)
		}
	}
}
