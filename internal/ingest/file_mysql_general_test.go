package ingest

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/testkit"
)

func TestMySQLGeneral(t *testing.T) {
	const banner = "/usr/sbin/mysqld, Version: 8.0.43 (Source distribution). started with:\nTcp port: 3306  Unix socket: /run/mysqld.sock\nTime                 Id Command    Argument\n"
	const bannerText = `"@m":"/usr/sbin/mysqld, Version: 8.0.43 (Source distribution). started with:\nTcp port: 3306  Unix socket: /run/mysqld.sock\nTime                 Id Command    Argument"}`
	for _, c := range []struct {
		name, text string
		want       []string
		undated    int64
	}{
		{"MySQL", banner + "2026-11-20T10:00:00.123456Z\t    8 Connect\tada@localhost on shop using Socket\n2026-11-20T10:00:00.2+01:00\t    8 Query\tSELECT *\n\tFROM\torders\n\t\tWHERE id = 3\n\n" +
			"2026-11-20T10:00:01.000001Z\t  123 Quit\t\n2026-11-20T10:00:01.000002Z\t1234567 Close stmt\t\n2026-11-20T10:00:02Z\t    9 Query\t\n", []string{
			`{"@t":"2026-11-20T10:00:00.1234560Z",` + bannerText,
			`{"@t":"2026-11-20T10:00:00.1234560Z","@m":"Connect ada@localhost on shop using Socket","Id":8,"command":"Connect"}`,
			`{"@t":"2026-11-20T09:00:00.2000000Z","@m":"SELECT *\n\tFROM\torders\n\t\tWHERE id = 3","Id":8,"command":"Query"}`,
			`{"@t":"2026-11-20T10:00:01.0000010Z","@m":"Quit","Id":123,"command":"Quit"}`,
			`{"@t":"2026-11-20T10:00:01.0000020Z","@m":"Close stmt","Id":1234567,"command":"Close stmt"}`,
			`{"@t":"2026-11-20T10:00:02.0000000Z","@m":"","Id":9,"command":"Query"}`,
		}, 1},
		{"MariaDB", "261120  9:00:00\t     3 Connect\tada@localhost on shop\n\t\t     3 Query\tSELECT 1\n\t\t     3 Init DB\tshop\n261120 10:00:01\t     3 Prepare\tSELECT ?\n", []string{
			`{"@t":"2026-11-20T09:00:00.0000000Z","@m":"Connect ada@localhost on shop","Id":3,"command":"Connect"}`,
			`{"@t":"2026-11-20T09:00:00.0000000Z","@m":"SELECT 1","Id":3,"command":"Query"}`,
			`{"@t":"2026-11-20T09:00:00.0000000Z","@m":"Init DB shop","Id":3,"command":"Init DB"}`,
			`{"@t":"2026-11-20T10:00:01.0000000Z","@m":"SELECT ?","Id":3,"command":"Prepare"}`,
		}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, refused, r := readAll(t, c.text, FileOptions{Patient: true})
			if d := cmp.Diff(c.want, got); d != "" || refused != nil || r.Report().Format != "MySQL general query log" || r.Report().Undated != c.undated {
				t.Errorf("%s\nrefused %v, %+v", d, refused, r.Report())
			}
		})
	}
}

func FuzzMySQLGeneral(f *testing.F) {
	f.Add([]byte("261120  9:00:00\t    3 Connect\tada@localhost on shop\n\t\t    3 Query\tSELECT 1\n\tFROM x\n2026-11-20T10:00:00.123456Z\t    8 Quit\t\n"))
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(text []byte) { checkReading(t, "mysql-general", text, nil) })
	})
}

func BenchmarkMySQLGeneral(b *testing.B) {
	benchmarkFile(b, "mysql-general", bytes.Repeat([]byte("2026-11-20T10:00:00.123456Z\t    8 Query\tSELECT id, name, price FROM orders WHERE customer_id = 42 ORDER BY created_at DESC LIMIT 10\n"), 10000))
}
