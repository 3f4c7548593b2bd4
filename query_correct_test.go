package stele_test

import (
	"testing"

	"github.com/stelehq/stele"
)

func TestQueriesAreCorrected(t *testing.T) {
	for text, want := range map[string]string{
		"select count(*) from stream":                                       "", // it is one
		"select count(*) from stream where N == 1":                          "select count(*) from stream where N = 1",
		"select count(*) from stream where N == 1 && M != 2 || not X":       "select count(*) from stream where N = 1 and M <> 2 or not X",
		"select cuont(*) from stream":                                       "select count(*) from stream",
		"select avg(N) from stream group by @Levle":                         "select mean(N) from stream group by @Level",
		"select count(*) from stream where @Level == 'Error' group by @Lvl": "select count(*) from stream where @Level = 'Error' group by @Properties['@Lvl']",
		"select (": "",
		"":         "",
		"select '": "",
		"select x from stream where a = \xff == 1": "",
	} {
		got := stele.CorrectQuery(text)
		if got != want {
			_, err := stele.ParseQuery(text)
			t.Errorf("%q is corrected to %q, expected %q (%v)", text, got, want, err)
		}
		if got != "" {
			if _, err := stele.ParseQuery(got); err != nil {
				t.Errorf("%q: %v", got, err)
			}
		}
	}
}

// Whatever the text, what is made of it is a query.
func FuzzCorrectQuery(f *testing.F) {
	for _, text := range []string{"select cuont(*) from stream where N == 1 && M != 2", "select avg(N) from stream group by @Levle", "a == \"b", "é == 1", "x ===="} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if better := stele.CorrectQuery(text); better != "" {
			if _, err := stele.ParseQuery(better); err != nil {
				t.Errorf("%q is corrected to %q: %v", text, better, err)
			}
		}
	})
}
