package stele_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/stelehq/stele"
)

// openExample opens a store that the examples throw away.
func openExample() (store *stele.Store, done func()) {
	dir, err := os.MkdirTemp("", "stele-example-")
	if err != nil {
		log.Fatal(err)
	}
	if store, err = stele.Open(dir, nil); err != nil {
		log.Fatal(err)
	}
	return store, func() { _ = errors.Join(store.Close(), os.RemoveAll(dir)) }
}

func add(store *stele.Store, lines ...string) stele.Keys {
	batch := store.NewBatch()
	for _, l := range lines {
		if err := batch.AddCLEF([]byte(l)); err != nil {
			log.Fatal(err)
		}
	}
	keys, err := store.Append(context.Background(), batch)
	if err != nil {
		log.Fatal(err)
	}
	return keys
}

func Example() {
	dir, err := os.MkdirTemp("", "stele-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	store, err := stele.Open(dir, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	batch := store.NewBatch()
	if err := batch.AddCLEF([]byte(`{"@t":"2026-11-20T12:00:00Z","@mt":"Hello, {Name}!","Name":"World"}`)); err != nil {
		log.Fatal(err)
	}
	if _, err := store.Append(context.Background(), batch); err != nil {
		log.Fatal(err)
	}

	r := store.Read(context.Background(), stele.ReadOptions{})
	for r.Next() {
		e := r.Event()
		fmt.Println(e.Time().Format(time.TimeOnly), e.Level(), e.Message())
	}
	if err := r.Close(); err != nil {
		log.Fatal(err)
	}
	// Output: 12:00:00 Information Hello, World!
}

func ExampleBatch_Begin() {
	store, done := openExample()
	defer done()

	batch := store.NewBatch()
	batch.Begin(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))
	batch.String("@mt", "{User} paid {Amount}")
	batch.String("User", "ann")
	batch.Number("Amount", "12.50")
	batch.Object("Card")
	batch.String("Brand", "Visa")
	batch.EndObject()
	if err := batch.End(); err != nil {
		log.Fatal(err)
	}
	keys, err := store.Append(context.Background(), batch)
	if err != nil {
		log.Fatal(err)
	}
	e, err := store.Get(context.Background(), keys.At(0))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(e.AppendCLEF(nil)))
	fmt.Println(e.Lookup("Card", "Brand").Text)
	// Output:
	// {"@t":"2026-11-20T12:00:00.0000000Z","@mt":"{User} paid {Amount}","User":"ann","Amount":12.50,"Card":{"Brand":"Visa"}}
	// Visa
}

func ExampleStore_Read() {
	store, done := openExample()
	defer done()
	add(store,
		`{"@t":"2026-11-20T12:00:00Z","@mt":"started"}`,
		`{"@t":"2026-11-20T12:00:01Z","@mt":"slow","@l":"Warning","Elapsed":812}`,
		`{"@t":"2026-11-20T12:00:02Z","@mt":"fast","Elapsed":3}`,
	)
	filter, err := stele.ParseFilter("Elapsed > 2 and @Level <> 'Fatal'")
	if err != nil {
		log.Fatal(err)
	}
	for e, err := range store.Read(context.Background(), stele.ReadOptions{Filter: filter, Ordering: stele.Descending}).All() {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Message(), e.Lookup("Elapsed").Text)
	}
	// Output:
	// fast 3
	// slow 812
}

func ExampleStore_Follow() {
	store, done := openExample()
	defer done()
	add(store, `{"@t":"2026-11-20T12:00:00Z","@mt":"first"}`)

	follower := store.Follow(context.Background(), 0, nil)
	defer follower.Close()
	follower.Next()
	fmt.Println(follower.Event().Message())

	// One that arrives late, with an earlier time, is not missed.
	go add(store, `{"@t":"2026-11-20T11:00:00Z","@mt":"late"}`)
	follower.Next()
	fmt.Println(follower.Event().Message())
	// Output:
	// first
	// late
}

func ExampleStore_Delete() {
	store, done := openExample()
	defer done()
	add(store, `{"@t":"2026-11-19T12:00:00Z","@mt":"old"}`, `{"@t":"2026-11-20T12:00:00Z","@mt":"new"}`)

	midnight := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	n, err := store.Delete(context.Background(), stele.Range{To: stele.BeforeTime(midnight)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(n, "deleted,", store.Stats().Events, "left")
	// Output: 1 deleted, 1 left
}

func ExampleStore_SetRetention() {
	store, done := openExample()
	defer done()

	// The store keeps the policy, and whoever has it open applies it: every minute, and when the disk is full.
	policy := stele.RetentionPolicy{ID: "debug", Age: 48 * time.Hour, Filter: "@Level = 'Debug'"}
	if err := store.SetRetention(context.Background(), policy); err != nil {
		log.Fatal(err)
	}
	policies, err := store.Retention(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range policies {
		fmt.Println(p.ID, p.Age, p.Filter)
	}
	// Output: debug 48h0m0s @Level = 'Debug'
}

func ExampleStore_Documents() {
	store, done := openExample()
	defer done()
	searches := store.Documents("searches")
	if err := searches.Set(context.Background(), "errors", []byte(`{"filter":"@Level = 'Error'"}`)); err != nil {
		log.Fatal(err)
	}
	value, err := searches.Get(context.Background(), "errors")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(value))
	_, err = searches.Get(context.Background(), "none")
	fmt.Println(errors.Is(err, stele.NotFound))
	// Output:
	// {"filter":"@Level = 'Error'"}
	// true
}

func ExampleSnapshot_Histogram() {
	store, done := openExample()
	defer done()
	add(store,
		`{"@t":"2026-11-20T12:00:00Z"}`,
		`{"@t":"2026-11-20T12:10:00Z","@l":"Error"}`,
		`{"@t":"2026-11-20T12:50:00Z","@l":"Error"}`,
	)
	snapshot, err := store.Snapshot()
	if err != nil {
		log.Fatal(err)
	}
	defer snapshot.Close()
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	buckets, err := snapshot.Histogram(context.Background(), stele.HistogramOptions{
		Range:   stele.Range{From: stele.FromTime(noon), To: stele.BeforeTime(noon.Add(time.Hour))},
		Buckets: 2,
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, b := range buckets {
		fmt.Println(b.Start.Format("15:04"), b.End.Format("15:04"), b.Counts)
	}
	// Output:
	// 12:00 12:30 map[Error:1 Information:1]
	// 12:30 13:00 map[Error:1]
}

func ExampleParseSearch() {
	for _, text := range []string{"disk is full", "level == 'error'", "@level = 'Error'", "@Level='Error'  AND \"disk\""} {
		f, reason, err := stele.ParseSearch(text)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(f) // as a strict expression
		if reason != nil {
			fmt.Printf("is text, because: %s; did you mean %q?\n", reason.Message, reason.Suggestion)
		}
	}
	_, err := stele.ParseFilter("Elapsed >> 3")
	var at *stele.FilterError
	fmt.Println(errors.As(err, &at), at.Line, at.Column)
	// Output:
	// "disk is full"
	// is text, because: unexpected `full`: expected `is null` or `is not null`; did you mean "null"?
	// "level == 'error'"
	// is text, because: unexpected `==`: equality is written `=`; did you mean "="?
	// "@level = 'Error'"
	// is text, because: there is no built-in @level; did you mean "@Level"?
	// @Level = 'Error' and "disk"
	// true 1 10
}

func ExampleStore_Query() {
	store, done := openExample()
	defer done()
	add(store,
		`{"@t":"2026-11-20T12:00:00Z","@mt":"Order {Id} took {Elapsed}","Id":7,"Elapsed":80,"Region":"eu"}`,
		`{"@t":"2026-11-20T12:00:05Z","@mt":"Order {Id} took {Elapsed}","Id":8,"Elapsed":210,"Region":"us"}`,
		`{"@t":"2026-11-20T12:00:09Z","@mt":"Order {Id} took {Elapsed}","Id":9,"Elapsed":95,"Region":"eu"}`)

	q, err := stele.ParseQuery(`select count(*) as orders, max(Elapsed) as slowest from stream group by Region order by orders desc`)
	if err != nil {
		log.Fatal(err)
	}
	rows := store.Query(context.Background(), q, stele.QueryOptions{})
	fmt.Println(rows.Columns())
	for rows.Next() {
		fmt.Println(rows.Values())
	}
	if err := rows.Close(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// [Region orders slowest]
	// ["eu" 2 95]
	// ["us" 1 210]
}

// A signal is a filter that is saved in the store; expressions join several.
func ExampleStore_FilterOf() {
	store, done := openExample()
	defer done()
	ctx := context.Background()
	for _, g := range []stele.Signal{
		{Title: "Errors", Filters: []stele.SignalFilter{{Filter: "@Level in ['Error', 'Fatal']"}}},
		{Title: "Slow", Filters: []stele.SignalFilter{{Filter: "Elapsed > 500"}}},
	} {
		made, err := store.CreateSignal(ctx, g)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(made.ID, made.Title)
	}
	either, err := store.FilterOf(ctx, "signal-1~signal-2")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(either)
	// Output:
	// signal-1 Errors
	// signal-2 Slow
	// @Level in ['Error', 'Fatal'] or Elapsed > 500
}
