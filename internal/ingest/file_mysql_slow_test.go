package ingest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/testkit"
)

func TestMySQLSlow(t *testing.T) {
	const banner = "/usr/sbin/mysqld, Version: 8.0.43. started with:\nTcp port: 3306  Unix socket: /run/mysqld.sock\nTime                 Id Command    Argument\n"
	for _, c := range []struct {
		name, text string
		want       []string
		undated    int64
	}{
		{"MySQL", "# Time: 2026-11-20T10:00:00.123456Z\n# User@Host: ada[ada] @ localhost []  Id:     2\n# Query_time: 1.5  Lock_time: 0.000010 Rows_sent: 1  Rows_examined: 268\nuse shop;\nSET timestamp=1795168798;\nSELECT *\n# a comment\nFROM orders;\n" +
			"# Time: 2026-11-20T10:00:01.5Z\n# User@Host: bob[bob] @ web-1 [192.0.2.7]  Id: 3\n# Schema:   Last_errno: 0  Killed: 0\n# Query_time: 2  Lock_time: 0\n# administrator command: Quit;\n", []string{
			`{"@t":"2026-11-20T10:00:00.1234560Z","@m":"SELECT *\n# a comment\nFROM orders;","user_name":"ada","connection_from":"localhost","Id":2,"Query_time":1.5,"Lock_time":0.000010,"Rows_sent":1,"Rows_examined":268,"database_name":"shop","timestamp":1795168798}`,
			`{"@t":"2026-11-20T10:00:01.5000000Z","@m":"# administrator command: Quit;","user_name":"bob","connection_from":"web-1","remote_addr":"192.0.2.7","Id":3,"Last_errno":0,"Killed":0,"Query_time":2,"Lock_time":0}`,
		}, 0},
		{"MariaDB, two in a second", banner + "# Time: 261120  9:00:00\n# User@Host: ada[ada] @ localhost []\n# Thread_id: 7  Schema: shop  QC_hit: No\n# Query_time: 1.5\nSET timestamp=1795165200;\nSELECT 1;\n# User@Host: ada[ada] @ localhost []\n# Query_time: 1.5\nSET timestamp=1795165200;\nSELECT 2;\n", []string{
			`{"@t":"2026-11-20T09:00:00.0000000Z","@m":"/usr/sbin/mysqld, Version: 8.0.43. started with:\nTcp port: 3306  Unix socket: /run/mysqld.sock\nTime                 Id Command    Argument"}`,
			`{"@t":"2026-11-20T09:00:00.0000000Z","@m":"SELECT 1;","user_name":"ada","connection_from":"localhost","Thread_id":7,"Schema":"shop","QC_hit":"No","Query_time":1.5,"timestamp":1795165200}`,
			`{"@t":"2026-11-20T09:00:00.0000000Z","@m":"SELECT 2;","user_name":"ada","connection_from":"localhost","Query_time":1.5,"timestamp":1795165200}`,
		}, 1},
		{"cut off", "# User@Host: ada[", []string{noon + `,"@m":"","user_name":"ada["}`}, 1},
		{"odd", "# Time: 2026-11-20T10:00:00Z\n# User@Host: \n# : 3\n# a b: 3\n", []string{`{"@t":"2026-11-20T10:00:00.0000000Z","@m":"# : 3\n# a b: 3"}`}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, refused, r := readAll(t, c.text, FileOptions{Patient: true})
			if d := cmp.Diff(c.want, got); d != "" || refused != nil || r.Report().Format != "MySQL slow query log" || r.Report().Undated != c.undated {
				t.Errorf("%s\nrefused %v, %+v", d, refused, r.Report())
			}
		})
	}
}

func FuzzMySQLSlow(f *testing.F) {
	f.Add([]byte("# Time: 261120  9:00:00\n# User@Host: ada[ada] @ localhost []  Id: 7\n# Schema:   Query_time: 1.5\nuse shop;\nSET timestamp=1795165200;\nSELECT 1;\n"))
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(text []byte) { checkReading(t, "mysql-slow", text, nil) })
	})
}
