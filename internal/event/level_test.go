package event

import (
	"strings"
	"testing"
)

func TestLevelKeepsItsSpelling(t *testing.T) {
	for event, want := range map[string]string{
		`{}`: "Information", `{"@l":null}`: "Information", `{"@l":""}`: "Information",
		`{"@l":"WARN"}`: "WARN", `{"@l":"Trace"}`: "Trace", `{"@l":"my own"}`: "my own", `{"@l":30}`: "30", `{"@l":"a","@l":"b"}`: "b",
	} {
		v, err := ParseValue([]byte(event))
		if err != nil {
			t.Fatal(err)
		}
		if got := Level(v); got != want {
			t.Errorf("%s: %q, want %q", event, got, want)
		}
	}
}

func TestLevelRank(t *testing.T) {
	groups := map[Rank]string{
		RankVerbose:     "Verbose VRB trace TRACE Trc finest silly v t TRACE2 Trace4",
		RankDebug:       "Debug DEBUG dbg DBUG fine d DEBUG3",
		RankInformation: "Information info INFO Inf informational Notice i INFO2 log",
		RankWarning:     "Warning WARN wrn w warn4",
		RankError:       "Error ERR err eror E severe ERROR2 fail",
		RankFatal:       "Fatal FTL CRITICAL crit alert Emergency EMERG panic dpanic FATAL3 f c",
		RankUnknown:     "30 5 TRACE5 TRACE0 ERROR22 err-or success unknown zzz informationinformation ınfo w1",
	}
	for want, names := range groups {
		for _, name := range strings.Fields(names) {
			if got := LevelRank(name); got != want {
				t.Errorf("LevelRank(%s) = %d (%s), want %d (%s)", name, got, got, want, want)
			}
			wantName := want.String()
			if want == RankUnknown {
				wantName = name
			}
			if got := NormalizeLevel(name); got != wantName {
				t.Errorf("NormalizeLevel(%s) = %s, want %s", name, got, wantName)
			}
		}
	}
	if LevelRank("") != RankUnknown || Rank(77).String() != "" {
		t.Error("no level has a rank")
	}
	for r := RankVerbose; r <= RankFatal; r++ {
		if LevelRank(r.String()) != r {
			t.Errorf("%s is not its own rank", r)
		}
	}
	if n := testing.AllocsPerRun(100, func() { LevelRank("Information") }); n != 0 {
		t.Errorf("LevelRank allocates %v times", n)
	}
}
