package stele_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/testkit"
	"github.com/stelehq/stele/internal/vfs"
)

// A clock stands where a test sets it, in minutes after Epoch.
type clock struct{ minute atomic.Int64 }

func (c *clock) now() time.Time {
	return testkit.Epoch.Add(time.Duration(c.minute.Load()) * time.Minute)
}

// at is an event of a minute after Epoch.
func at(minute, n int) string {
	return fmt.Sprintf(`{"@t":%q,"N":%d}`, testkit.Epoch.Add(time.Duration(minute)*time.Minute).Format("2006-01-02T15:04:05.0000000Z"), n)
}

// Policies by age, by arrival and by filter, and what they say together, against what a list of the events says.
func TestRetentionByAgeArrivalAndFilter(t *testing.T) {
	for _, p := range []stele.RetentionPolicy{
		{Age: 30 * time.Minute},
		{ArrivedAge: 30 * time.Minute},
		{Age: 20 * time.Minute, ArrivedAge: 40 * time.Minute},
		{Age: 30 * time.Minute, Filter: "N % 3 = 0"},
		{ArrivedAge: 30 * time.Minute, Filter: "N % 3 = 0 and @Id <> ''"},
	} {
		p.ID = "p"
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(string(text), func(t *testing.T) {
			var c clock
			s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks.Now, o.Hooks.BlockRows, o.Hooks.NoTelling = c.now, 8, true })
			type one struct {
				line             string
				minute, arrived  int
				filtered, hidden bool
			}
			var all []one
			rng := rand.New(rand.NewPCG(1, 2))
			for minute := range 100 {
				c.minute.Store(int64(minute))
				// Events come late, by up to 40 minutes.
				var lines []string
				for range 3 {
					o := one{minute: max(0, minute-rng.IntN(40)), arrived: minute, filtered: len(all)%3 == 0}
					o.line = at(o.minute, len(all))
					all = append(all, o)
					lines = append(lines, o.line)
				}
				s.Append(lines...)
				if minute%7 == 3 {
					if err := s.Flush(ctx); err != nil {
						t.Fatal(err)
					}
				}
				if minute%10 != 9 {
					continue
				}
				before, err := s.Snapshot()
				if err != nil {
					t.Fatal(err)
				}
				shown, _ := testkit.Drain(before.Read(ctx, stele.ReadOptions{}))
				done, err := s.Retain(ctx, p)
				if err != nil {
					t.Fatal(err)
				}
				gone := int64(0)
				read := s.All()
				for i := range all {
					o := &all[i]
					// When something arrived is known to a few minutes: a mark is made when the journal is sealed.
					must, may := true, true
					if p.Age > 0 {
						old := time.Duration(minute-o.minute)*time.Minute > p.Age
						must, may = must && old, may && old
					}
					if p.ArrivedAge > 0 {
						age := time.Duration(minute-o.arrived) * time.Minute
						must, may = must && age > p.ArrivedAge+10*time.Minute, may && age >= p.ArrivedAge
					}
					if p.Filter != "" {
						must, may = must && o.filtered, may && o.filtered
					}
					is := slices.Contains(read, o.line)
					switch {
					case must && is:
						t.Fatalf("minute %d: %s of arrival %d is still there", minute, o.line, o.arrived)
					case !may && !is && !o.hidden:
						t.Fatalf("minute %d: %s of arrival %d is gone", minute, o.line, o.arrived)
					case !is && !o.hidden:
						o.hidden = true
						gone++
					}
				}
				if len(done) != 1 || done[0].Events != gone {
					t.Errorf("minute %d: %v are told to be deleted, %d are gone", minute, done, gone)
				}
				if n := s.Stats().Events; n != int64(len(s.All())) {
					t.Errorf("%d events are counted, %d are read", n, len(s.All()))
				}
				again, err := testkit.Drain(before.Read(ctx, stele.ReadOptions{}))
				if err != nil || !slices.Equal(shown, again) {
					t.Errorf("minute %d: a snapshot has changed: %v", minute, err)
				}
				if err := before.Close(); err != nil {
					t.Fatal(err)
				}
				if minute%20 == 19 {
					if err := s.Settle(ctx); err != nil {
						t.Fatal(err)
					}
					s.Reopen()
				}
			}
		})
	}
}

// bulk is an event that takes about a kilobyte on disk.
func bulk(rng *rand.Rand, minute, n int) string {
	var b strings.Builder
	for range 130 {
		fmt.Fprintf(&b, "%016x", rng.Uint64())
	}
	return strings.TrimSuffix(at(minute, n), "}") + fmt.Sprintf(`,"P":%q}`, b.String())
}

// Retention by size on a disk without any room: whole segments go, the oldest first, without more room than there is, and
// writing goes on. What a snapshot keeps goes with it.
func TestRetentionOnAFullDisk(t *testing.T) {
	s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks.NoCompact = true })
	fs := s.FS.(*vfs.Mem)
	rng := rand.New(rand.NewPCG(3, 4))
	n := 0
	fill := func(segments int) (err error) {
		for range segments {
			var lines []string
			for range 200 {
				lines = append(lines, bulk(rng, n/10, n))
				n++
			}
			if _, err = s.TryAppend(lines...); err == nil {
				err = s.Flush(ctx)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	if err := fill(12); err != nil {
		t.Fatal(err)
	}
	before, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	fs.SetCapacity(fs.Used())
	if err := fill(1); stele.KindOf(err) != stele.Full {
		t.Fatalf("the disk is not full: %v", err)
	}
	events := s.Stats().Events
	done, err := s.Retain(ctx, stele.RetentionPolicy{ID: "small", Bytes: 1 << 20})
	if err != nil || len(done) != 1 || done[0].Events == 0 {
		t.Fatalf("deleted %v: %v", done, err)
	}
	left := s.All()
	if st := s.Stats(); st.Events != events-done[0].Events || int64(len(left)) != st.Events || st.SegmentBytes > 1<<20 {
		t.Errorf("%d events of %d are left, %d are read, in %d bytes of segments", st.Events, events, len(left), st.SegmentBytes)
	}
	if !strings.Contains(left[len(left)-1], fmt.Sprintf(`"N":%d,`, 12*200-1)) {
		t.Error("the newest event is gone")
	}
	if got, err := testkit.Drain(before.Read(ctx, stele.ReadOptions{})); err != nil || int64(len(got)) != events {
		t.Errorf("the snapshot has %d events of %d: %v", len(got), events, err)
	}
	if st := s.Stats(); st.PinnedBytes < 2<<20 || st.Snapshots != 1 || st.FreeBytes > 10_000 {
		t.Errorf("%d bytes are pinned by %d snapshots, %d are free", st.PinnedBytes, st.Snapshots, st.FreeBytes)
	}
	used := fs.Used()
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	if now := fs.Used(); now > used-100<<10 {
		t.Errorf("%d bytes were used with the snapshot, %d are without", used, now)
	}
	if st := s.Stats(); st.PinnedBytes != 0 || st.FreeBytes < 100<<10 {
		t.Errorf("%d bytes are pinned without a snapshot, %d are free", st.PinnedBytes, st.FreeBytes)
	}
	if err := fill(1); err != nil {
		t.Errorf("writing does not go on: %v", err)
	}
}

// A policy of the options works by itself when the store is opened; one that is stored does so from then on, and when the disk is full.
func TestRetentionInTheBackground(t *testing.T) {
	var c clock
	c.minute.Store(100)
	fixed := []stele.RetentionPolicy{{ID: "fixed", Age: 50 * time.Minute}}
	s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks.Now = c.now })
	gone := func(when string, want ...string) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !slices.Equal(s.All(), want); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				same(t, when, want, s.All())
				return
			}
		}
	}
	s.Append(at(10, 0), at(60, 1), at(90, 2))
	s.Options.Retention = fixed
	s.Reopen()
	gone("opened with a policy", at(60, 1), at(90, 2))
	if err := s.SetRetention(ctx, stele.RetentionPolicy{ID: "stored", Age: 30 * time.Minute, Filter: "N = 1"}); err != nil {
		t.Fatal(err)
	}
	gone("a policy was stored", at(90, 2))
	s.Options.Retention = nil
	s.Reopen()
	s.Append(at(65, 1), at(65, 3))
	fs := s.FS.(*vfs.Mem)
	fs.SetCapacity(fs.Used())
	rng := rand.New(rand.NewPCG(5, 6))
	var large []string
	for i := range 100 {
		large = append(large, bulk(rng, 95, i))
	}
	if _, err := s.TryAppend(large...); stele.KindOf(err) != stele.Full {
		t.Fatalf("the disk is not full: %v", err)
	}
	gone("the disk was full", at(65, 3), at(90, 2))
	fs.SetCapacity(0)

	if err := s.SetRetention(ctx, stele.RetentionPolicy{ID: "stored", ArrivedAge: 2 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	all, err := s.Retention(ctx)
	if err != nil || len(all) != 1 || all[0] != (stele.RetentionPolicy{ID: "stored", ArrivedAge: 2 * time.Hour}) {
		t.Errorf("the policies are %v: %v", all, err)
	}
	if err := s.RemoveRetention(ctx, "stored"); err != nil {
		t.Error(err)
	}
	if err := s.RemoveRetention(ctx, "stored"); stele.KindOf(err) != stele.NotFound {
		t.Errorf("removed again: %v", err)
	}
	s.Options.Retention = fixed
	s.Reopen()
	if err := s.RemoveRetention(ctx, "fixed"); stele.KindOf(err) != stele.Denied {
		t.Errorf("a policy of the options was removed: %v", err)
	}
	if err := s.SetRetention(ctx, fixed[0]); stele.KindOf(err) != stele.Denied {
		t.Errorf("a policy of the options was set: %v", err)
	}
}

func TestRetentionPolicies(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{"Id":"a","Age":"30d"}`, `{"Id":"a","Age":"30d"}`},
		{`{"Id":"a","Age":"36h","Filter":"@Level = 'Debug'"}`, `{"Id":"a","Age":"1d12h","Filter":"@Level = 'Debug'"}`},
		{`{"Id":"a","ArrivedAge":"2w","Bytes":"10GiB"}`, `{"Id":"a","ArrivedAge":"14d","Bytes":10737418240}`},
		{`{"Id":"a","Bytes":2097152}`, `{"Id":"a","Bytes":2097152}`},
		{`{"Id":"a","Bytes":null,"Age":"1h","Fixed":true}`, `{"Id":"a","Age":"1h"}`},
		{`{"Id":"a"}`, "an age, an age since arrival, or a size on disk is needed"},
		{`{"Age":"30d"}`, "its id has 1 to 100 bytes"},
		{`{"Id":"a","Age":"30 days"}`, `Age: "30 days" is not a length of time`},
		{`{"Id":"a","Age":""}`, "is not a length of time"},
		{`{"Id":"a","Age":"0d"}`, "nothing is younger than that"},
		{`{"Id":"a","Age":"5s"}`, "an age is at least a minute"},
		{`{"Id":"a","Bytes":"many"}`, `Bytes: "many" is not a size`},
		{`{"Id":"a","Bytes":1.5}`, "is not a size"},
		{`{"Id":"a","Bytes":0}`, "0 would keep nothing"},
		{`{"Id":"a","Bytes":5000}`, "too few"},
		{`{"Id":"a","Age":"1d","Bytes":"1GiB","Filter":"N = 1"}`, "cannot be combined with a filter"},
		{`{"Id":"a","Filter":"N = 1"}`, "a filter needs an age"},
		{`{"Id":"a","Age":"1d","Filter":"N == 1"}`, "equality is written"},
		{`{"Id":"a","Age":"1d","Filter":"@Timestamp < Now() - 1d"}`, "the filter calls Now()"},
		{`{"Id":"a","age":"1d","Days":3}`, "it is not of the form"},
		{`[]`, "it is not of the form"},
	} {
		var p stele.RetentionPolicy
		err := json.Unmarshal([]byte(c.text), &p)
		if err == nil {
			err = p.Check()
		}
		if err != nil {
			if stele.KindOf(err) != stele.Invalid && !strings.Contains(err.Error(), "it is not of the form") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v; expected %s", c.text, err, c.want)
			}
			continue
		}
		if got, err := json.Marshal(p); err != nil || string(got) != c.want {
			t.Errorf("%s is written %s, %v; expected %s", c.text, got, err, c.want)
		}
	}
	// A stored policy never deletes more than the one that was set.
	text, err := json.Marshal(stele.RetentionPolicy{ID: "a", Age: time.Hour + 1, ArrivedAge: 90*time.Second + 999*time.Millisecond})
	if want := `{"Id":"a","Age":"1h1s","ArrivedAge":"1m31s"}`; err != nil || string(text) != want {
		t.Errorf("%s %v, want %s", text, err, want)
	}
}

// FuzzRetentionPolicy: nothing panics, and a policy that is sound means the same when it is written and read again.
func FuzzRetentionPolicy(f *testing.F) {
	f.Add([]byte(`{"Id":"a","Age":"36h","Filter":"@Level = 'Debug'"}`))
	f.Add([]byte(`{"Id":"a","ArrivedAge":"2w","Bytes":"10GiB"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var p, again stele.RetentionPolicy
		if p.UnmarshalJSON(text) != nil || p.Check() != nil {
			return
		}
		out, err := p.MarshalJSON()
		if err == nil {
			err = again.UnmarshalJSON(out)
		}
		if err != nil || p != again {
			t.Fatalf("%s: %+v is read back as %+v: %v", out, p, again, err)
		}
	})
}
