package plan

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/exec"
)

func long() bool { return os.Getenv("STELE_LONG") != "" }

// randomEvents have few values of each kind, so that groups and ties are many. Instants are within five minutes.
func randomEvents(t testing.TB, r *rand.Rand, n int) []exec.Row {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	var b strings.Builder
	for range n {
		fmt.Fprintf(&b, `{"@t":"2026-03-14T15:0%d:%02d.%dZ","A":%s,"B":%s`, r.IntN(5), r.IntN(60), r.IntN(2)*5,
			pick(`"x"`, `"X"`, `"y"`, `"Yy"`, "1", "1.0", "true", "null", `[1,2]`, `[1.0,2]`, `{"a":1,"b":"z"}`, `{"b":"z","a":0,"a":1}`),
			pick("0", "-1.5", "3", "2.25", "2.250", "100", "79228162514264337593543950335", "1e99", `"7"`, "null", "0.001"))
		if r.IntN(3) > 0 {
			fmt.Fprintf(&b, `,"C":%s`, pick("true", "false", "null", "1"))
		}
		fmt.Fprintf(&b, `,"D":%s,"L":%s}`+"\n", pick("0", "1", "2", "5", "-1", "1.5"), pick("[]", "[1]", `["p","q",3]`, "7"))
	}
	rows := rowsOf(t, b.String())
	slices.SortFunc(rows, func(a, b exec.Row) int { return placeOf(a).compare(placeOf(b)) })
	return rows
}

func placeOf(r exec.Row) Place { return Place{Key: event.MakeKey(r.Timestamp(), r.Arrival())} }

const since = "where @Timestamp >= DateTime('2026-03-14T15:00:00Z') and @Timestamp < DateTime('2026-03-14T15:05:00Z') "

var mergedQueries = []string{
	"select all(C), any(C), count(*), count(B), count(distinct(A)), count(distinct(A) ci), first(A), last(A), max(B), mean(B), min(B), percentile(B, 50), percentile(B, 90, 0.001), phist(B, D, 75), sum(B) from stream",
	"select all(C), any(C), count(*), count(B), count(distinct(B)), first(B), last(C), max(D), mean(D), min(D), percentile(D, 50), phist(D, D, 75), sum(D) from stream group by A",
	"select count(*) as n, sum(D) as s from stream group by A ci as a, C order by n desc, a ci limit 5",
	"select top(A, 7) from stream group by C",
	"select bottom(B, 5) as b from stream order by b desc",
	"select distinct(A) as a from stream",
	"select distinct(A) ci as a from stream order by a desc limit 4",
	"select count(*) / (interval() / 1s) as rate from stream " + since + "group by time(20s)",
	"select mean(D) as m, last(item) from stream lateral unnest(L) as item " + since + "and item <> 3 group by time(1m), A having m > 0 order by time desc, m",
	"select A as a, B as b, item from stream lateral unnest(L) as item order by b desc, a limit 10",
	"select B as b from stream where C order by b",
	"select A, B from stream order by time desc, A ci limit 20",
}

// TestPartialsMergeInAnyOrder: however rows are divided among partials, in whatever order these take and merge them, the result is that
// of one partial which takes all in order of time.
func TestPartialsMergeInAnyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	rounds := 8
	if long() {
		rounds = 2000
	}
	for round := range rounds {
		rows := randomEvents(t, r, 1+r.IntN(200))
		for _, text := range mergedQueries {
			p, err := compileText(text)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			want, wantCut, err := answer(p, rows, 64<<20)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			run, _ := p.Start(asOf, Unbounded, NewMemory(64<<20))
			parts := make([]*Partial, 1+r.IntN(5))
			for i := range parts {
				parts[i] = run.NewPartial()
			}
			for _, i := range r.Perm(len(rows)) {
				if run.wants(rows[i]) {
					if err := parts[r.IntN(len(parts))].Add(rows[i]); err != nil {
						t.Fatal(err)
					}
				}
			}
			for len(parts) > 1 {
				i := r.IntN(len(parts) - 1)
				if err := parts[i].Merge(parts[i+1]); err != nil {
					t.Fatal(err)
				}
				parts = slices.Delete(parts, i+1, i+2)
			}
			got, err := run.Finish(parts[0])
			if err != nil {
				t.Fatal(err)
			}
			if a, b := tableText(got.Rows), tableText(want); a != b || got.Cut != wantCut {
				t.Fatalf("round %d: %s gives\n%s(%v), not\n%s(%v)", round, text, a, got.Cut, b, wantCut)
			}
			parts[0].Close()
			if used := run.memory.Used(); used != 0 {
				t.Fatalf("%s: %d bytes are not given back", text, used)
			}
		}
	}
}

func tableText(rows [][]event.Value) string {
	var b strings.Builder
	for _, row := range rows {
		for _, v := range row {
			b.WriteString(show(v) + " | ")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func testAccount() *account { return &account{memory: NewMemory(1 << 30)} }

// TestPercentilesAreExactOrNear: exact up to exactValues values that differ, then off by at most what is stated; the same however the values
// are divided.
func TestPercentilesAreExactOrNear(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for name, random := range map[string]func() event.Decimal{
		"whole":    func() event.Decimal { return event.DecimalOf(int64(math.Exp(r.Float64() * 14))) },
		"any":      func() event.Decimal { return randomDecimal(r) },
		"small":    func() event.Decimal { return event.DecimalOf(r.Int64N(100) - 50) },
		"fraction": func() event.Decimal { return scaled(r.Int64N(1_000_000), 3) },
	} {
		for _, n := range []int{1, 5000, 20_000} {
			values := make([]event.Decimal, n)
			differ := map[event.Decimal]bool{}
			var parts [4]quantile
			for i := range parts {
				parts[i] = newQuantile(defaultBits)
			}
			whole, a := newQuantile(defaultBits), testAccount()
			for i := range values {
				values[i] = random()
				differ[values[i].Normalized()] = true
				_ = whole.add(values[i], 1, a)
				_ = parts[r.IntN(len(parts))].add(values[i], 1, a)
			}
			for i := len(parts) - 2; i >= 0; i-- {
				_ = parts[i].merge(&parts[i+1], a)
			}
			slices.SortFunc(values, event.Decimal.Compare)
			if exact := whole.exact != nil; exact != (len(differ) <= exactValues) {
				t.Errorf("%s, %d: exact is %v with %d values that differ", name, n, exact, len(differ))
			}
			for _, percent := range []int64{0, 1, 25, 50, 90, 99, 100} {
				got, _ := whole.at(event.DecimalOf(percent))
				if merged, _ := parts[0].at(event.DecimalOf(percent)); merged != got {
					t.Fatalf("%s, %d: p%d is %v, and %v of parts", name, n, percent, got, merged)
				}
				want := values[max(int(math.Ceil(float64(percent)*float64(n)/100)), 1)-1]
				if whole.exact != nil && got.Compare(want) != 0 {
					t.Fatalf("%s, %d: p%d is %v, not %v", name, n, percent, got, want)
				}
				if f, g := want.Float64(), got.Float64(); math.Abs(f-g) > math.Abs(f)*(math.Ldexp(1, -defaultBits-1)+1e-12) {
					t.Fatalf("%s, %d: p%d is %v, which is too far from %v", name, n, percent, got, want)
				}
			}
		}
	}
}

// TestNarrowBucketsAreExact: where a bucket has room for one value with as few digits as all have, it stands for that one.
func TestNarrowBucketsAreExact(t *testing.T) {
	q, a := newQuantile(defaultBits), testAccount()
	for i := range int64(exactValues + 1000) {
		_ = q.add(event.DecimalOf(i), uint64(100_000/(i+1)), a)
	}
	if q.exact != nil {
		t.Fatal("the values are few")
	}
	if d, _ := q.at(event.DecimalOf(20)); d.String() != "6" && d.Compare(event.DecimalOf(128)) < 0 {
		whole, ok := d.Int64()
		if !ok {
			t.Errorf("p20 is %v", d)
		}
		below := uint64(0)
		for i := range whole {
			below += uint64(100_000 / (i + 1))
		}
		if below >= nearestRank(event.DecimalOf(20), q.total) {
			t.Errorf("p20 is %v", d)
		}
	}
}

// TestDistinctCountsAreExactOrNear: exact up to so many values, then within five standard errors.
func TestDistinctCountsAreExactOrNear(t *testing.T) {
	const most, n = 20_000, 100_000
	a := testAccount()
	parts := [...]cardinality{newCardinality(most), newCardinality(most), newCardinality(most)}
	whole := newCardinality(most)
	add := func(c *cardinality, i int) {
		if err := c.add(hashOf(appendNumberKey(nil, event.DecimalOf(int64(i)))), a); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		add(&whole, i)
		add(&parts[min(i%10, 2)], i) // the first two stay exact
		if i%5 == 0 {
			add(&parts[2], i)
		}
		if i+1 == most && whole.count() != most {
			t.Errorf("%d of %d are counted", whole.count(), most)
		}
	}
	if parts[0].hashes == nil || parts[2].hashes != nil {
		t.Fatal("the parts are not as they should be")
	}
	for _, i := range []int{1, 2} {
		if err := parts[0].merge(&parts[i], a); err != nil {
			t.Fatal(err)
		}
	}
	got := whole.count()
	if parts[0].count() != got {
		t.Errorf("%d are counted, and %d of parts", got, parts[0].count())
	}
	if math.Abs(float64(got)-n) > n*5*0.002 {
		t.Errorf("%d of %d are counted", got, n)
	}
}
