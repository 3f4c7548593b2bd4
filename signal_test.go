package stele_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/testkit"
)

func signal(title string, filters ...string) stele.Signal {
	g := stele.Signal{Title: title}
	for _, f := range filters {
		g.Filters = append(g.Filters, stele.SignalFilter{Filter: f})
	}
	return g
}

func create(t *testing.T, s *testkit.Fixture, g stele.Signal) string {
	t.Helper()
	made, err := s.CreateSignal(ctx, g)
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

func wantError(t *testing.T, err error, kind stele.Kind, text string) {
	t.Helper()
	if stele.KindOf(err) != kind || !strings.Contains(fmt.Sprint(err), text) {
		t.Errorf("expected %v with %q, got %v", kind, text, err)
	}
}

// Signals are kept, also when the store is opened again, and an id means one signal for ever.
func TestSignals(t *testing.T) {
	s := testkit.OpenTemp(t, nil)
	full := stele.Signal{ID: "signal-77", Title: "Errors", Description: "what went wrong", Filters: []stele.SignalFilter{
		{Filter: "@Level = 'Error'", FilterNonStrict: "@Level='Error'", Description: "Errors", DescriptionIsExcluded: true}},
		Columns: []string{"Round(X, 1)"}, IsProtected: true, IsIndexSuppressed: true, Grouping: "Explicit", ExplicitGroupName: "Levels", OwnerID: "user-1"}
	made, err := s.CreateSignal(ctx, full)
	if err != nil || made.ID != "signal-1" {
		t.Fatalf("%+v, %v", made, err)
	}
	for i := range 11 {
		if id := create(t, s, signal(fmt.Sprint(i), "N = 1")); id != fmt.Sprintf("signal-%d", i+2) {
			t.Fatal(id)
		}
	}
	s.Reopen()
	if err := s.DeleteSignal(ctx, "signal-12"); err != nil {
		t.Fatal(err)
	}
	wantError(t, s.DeleteSignal(ctx, "signal-12"), stele.NotFound, `there is no signal "signal-12"`)
	if id := create(t, s, signal("new", "N = 1")); id != "signal-13" {
		t.Errorf("the id %s was given twice", id)
	}
	if all, err := s.Signals(ctx); err != nil || len(all) != 12 || all[1].ID != "signal-2" || all[11].ID != "signal-13" {
		t.Errorf("%+v, %v", all, err)
	}
	got, err := s.Signal(ctx, "signal-1")
	if full.ID = "signal-1"; err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", full) {
		t.Errorf("%+v, %v", got, err)
	}
	got.Filters[0].Filter = "@Level = 'Fatal'"
	if _, err := s.UpdateSignal(ctx, got); err != nil {
		t.Fatal(err)
	}
	if f, err := s.FilterOf(ctx, "signal-1"); err != nil || f.String() != "@Level = 'Fatal'" {
		t.Errorf("%v, %v", f, err)
	}
	_, err = s.UpdateSignal(ctx, stele.Signal{ID: "signal-12", Title: "gone"})
	wantError(t, err, stele.NotFound, `there is no signal "signal-12"`)
	for _, id := range []string{"last", "", "signal-", "signal-" + strings.Repeat("9", 2000), "signal-\x00"} {
		_, err = s.Signal(ctx, id)
		wantError(t, err, stele.NotFound, "there is no signal")
	}
	if infos, err := s.Documents("").List(ctx, ""); err != nil || len(infos) != 0 {
		t.Errorf("signals are among the users' documents: %v, %v", infos, err)
	}
}

func TestSignalsAreChecked(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	for _, c := range []struct {
		g    stele.Signal
		kind stele.Kind
		want string
	}{
		{signal(" "), stele.Invalid, "it has no title"},
		{signal(strings.Repeat("ä", 201)), stele.Invalid, "its title has 201 characters"},
		{signal("a", "N == 1"), stele.Invalid, "the filter cannot be used: line 1, column 3: unexpected `==`: equality is written `=` (did you mean `=`?)"},
		{signal("a", "N = 1", "@Levl = 'x'"), stele.Invalid, "filter 2: line 1, column 1: "},
		{signal("a", "N = 1", " "), stele.Invalid, "filter 2 is empty"},
		{stele.Signal{Title: "a", Grouping: "Both"}, stele.Invalid, `grouping "Both" is unknown`},
		{stele.Signal{Title: "a", Columns: make([]string, 101)}, stele.Invalid, "101 columns"},
		{stele.Signal{Title: "a", Description: "\xff"}, stele.Invalid, "not UTF-8"},
		{stele.Signal{Title: "a", Description: strings.Repeat("x", 33<<10)}, stele.TooLarge, "33793 bytes"},
		{signal("a", "N in ["+strings.Repeat("1,", 8000)+"1]", "N in ["+strings.Repeat("1,", 8000)+"1]"), stele.TooLarge, "together they are longer"},
	} {
		_, err := s.CreateSignal(ctx, c.g)
		wantError(t, err, c.kind, c.want)
	}
}

// What an expression selects, as a search finds it.
func TestSignalExpressions(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	var lines []string
	for n := range 12 {
		lines = append(lines, at(n, n))
	}
	s.Append(lines...)
	create(t, s, signal("even", "N % 2 = 0"))
	create(t, s, signal("third", "N % 3 = 0"))
	create(t, s, signal("few", "N >= 4", "N < 8"))
	create(t, s, signal("all"))
	for expr, want := range map[string]string{
		"signal-1":                      "0 2 4 6 8 10",
		"signal-3":                      "4 5 6 7",
		"signal-1,signal-2":             "0 6",
		"signal-1~signal-2":             "0 2 3 4 6 8 9 10",
		"signal-1~signal-2,signal-3":    "4 6",
		"signal-1~(signal-2,signal-3)":  "0 2 4 6 8 10",
		"(signal-1~signal-2),signal-3 ": "4 6",
		"signal-3,signal-2~signal-1":    "0 2 4 6 8 10",
		"signal-4":                      "0 1 2 3 4 5 6 7 8 9 10 11",
		"signal-4,signal-2":             "0 3 6 9",
		"signal-2~signal-4":             "0 1 2 3 4 5 6 7 8 9 10 11",
	} {
		f, err := s.FilterOf(ctx, expr)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for e, err := range s.Read(ctx, stele.ReadOptions{Filter: f}).All() {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e.Value().Get("N").Text)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s selects %s, expected %s", expr, got, want)
		}
	}
	_, err := s.FilterOf(ctx, "signal-1,(signal-5~signal-2)")
	wantError(t, err, stele.NotFound, `there is no signal "signal-5"`)
	_, err = s.FilterOf(ctx, "signal-1 and signal-2")
	wantError(t, err, stele.Invalid, "did you mean `,`?")
	if at, ok := errors.AsType[*stele.FilterError](err); !ok || at.Offset != 9 || at.Suggestion != "," {
		t.Errorf("%+v", at)
	}
	_, err = s.FilterOf(ctx, strings.Repeat("signal-1,", 500)+"signal-1")
	wantError(t, err, stele.TooLarge, "too long")
}

// A policy never deletes more than its signals say at the time: not when one is missing, selects everything or goes with the clock.
func TestRetentionBySignal(t *testing.T) {
	var c clock
	s := testkit.OpenMem(t, func(o *stele.Options) {
		o.Hooks.Now = c.now
		o.Retention = []stele.RetentionPolicy{{ID: "fixed", Age: time.Hour, Signal: "signal-3"}}
	})
	var lines []string
	for n := range 12 {
		lines = append(lines, at(n, n))
	}
	s.Append(lines...)
	even, third := create(t, s, signal("even", "N % 2 = 0")), create(t, s, signal("third", "N % 3 = 0"))
	c.minute.Store(1000)
	left := func() int64 { return s.Stats().Events }
	p := stele.RetentionPolicy{ID: "p", Age: 20 * time.Hour, Signal: even + "," + third, Filter: "N <> 0"}

	wantError(t, s.SetRetention(ctx, stele.RetentionPolicy{ID: "q", Age: time.Hour, Signal: "signal-9"}), stele.Invalid, `there is no signal "signal-9"`)
	wantError(t, s.SetRetention(ctx, stele.RetentionPolicy{ID: "q", Age: time.Hour, Signal: "signal-1,"}), stele.Invalid, "line 1, column 10")
	wantError(t, s.SetRetention(ctx, stele.RetentionPolicy{ID: "q", Signal: even}), stele.Invalid, "needs an age beside it")
	wantError(t, s.SetRetention(ctx, stele.RetentionPolicy{ID: "q", Bytes: 1 << 30, Signal: even}), stele.Invalid, "cannot be combined")
	if err := s.SetRetention(ctx, p); err != nil { // nothing is as old yet
		t.Fatal(err)
	}
	if all, err := s.Retention(ctx); err != nil || len(all) != 2 || all[1].Signal != p.Signal {
		t.Fatalf("%+v, %v", all, err)
	}
	for _, id := range []string{even, third} {
		wantError(t, s.DeleteSignal(ctx, id), stele.Denied, `the retention policy "p" uses the signal `+id)
	}
	p.Age = time.Hour
	if done, err := s.Retain(ctx, p); err != nil || done[0].Events != 1 || left() != 11 { // 6
		t.Errorf("%+v, %v, %d left", done, err, left())
	}
	// The policy follows its signals.
	if _, err := s.UpdateSignal(ctx, stele.Signal{ID: third, Title: "fourth", Filters: []stele.SignalFilter{{Filter: "N % 4 = 0"}}}); err != nil {
		t.Fatal(err)
	}
	if done, err := s.Retain(ctx, p); err != nil || done[0].Events != 2 || left() != 9 { // 4, 8
		t.Errorf("%+v, %v, %d left", done, err, left())
	}
	// What is not there selects nothing: the one of Options is named by a signal to come.
	done, err := s.Retain(ctx)
	wantError(t, err, stele.NotFound, `there is no signal "signal-3"`)
	if len(done) != 1 || done[0].ID != "p" || left() != 9 {
		t.Errorf("%+v, %d left", done, left())
	}
	create(t, s, signal("everything"))
	_, err = s.Retain(ctx)
	wantError(t, err, stele.Invalid, "signal-3 selects every event")
	wantError(t, s.SetRetention(ctx, stele.RetentionPolicy{ID: "q", Age: time.Hour, Signal: even + "~signal-3"}), stele.Invalid, "selects every event")
	wantError(t, s.DeleteSignal(ctx, "signal-3"), stele.Denied, `"fixed" uses`)
	if _, err := s.UpdateSignal(ctx, stele.Signal{ID: "signal-3", Title: "clock", Filters: []stele.SignalFilter{{Filter: "@Timestamp < Now()"}}}); err != nil {
		t.Fatal(err)
	}
	_, err = s.Retain(ctx)
	wantError(t, err, stele.Invalid, "calls Now()")
	if left() != 9 {
		t.Errorf("%d left", left())
	}
	if err := s.RemoveRetention(ctx, "p"); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteSignal(ctx, even); err != nil {
		t.Error(err)
	}
}
