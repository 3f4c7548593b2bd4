package ingest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/testkit"
)

func TestPostgresPrefixes(t *testing.T) {
	at := `{"@t":"2026-11-20T10:00:00.0000000Z","@l":"Information","@m":"up","error_severity":"LOG"`
	for _, c := range []struct{ prefix, want string }{
		{"2026-11-20 10:00:00 UTC [42]: [7-1] user=ada,db=shop,app=psql,client=10.0.0.1 ", `,"process_id":42,"session_line_num":7,"user_name":"ada","database_name":"shop","application_name":"psql","connection_from":"10.0.0.1"`},
		{"2026-11-20 10:00:00.000 UTC [42] ada@shop ", `,"process_id":42,"user_name":"ada","database_name":"shop"`},
		{"2026-11-20 11:00:00.000 CET [42] ", `,"process_id":42`},
		{"2026-11-20 10:00:00 UTC:10.0.0.1(5432):ada@shop:[42]:", `,"connection_from":"10.0.0.1(5432)","user_name":"ada","database_name":"shop","process_id":42`},
		{"2026-11-20 10:00:00 UTC::@:[42]:", `,"process_id":42`},
		{"2026-11-20 10:00:00 UTC:fe80::1(5432):ada@shop:[42]:", `,"connection_from":"fe80::1(5432)","user_name":"ada","database_name":"shop","process_id":42`},
		{"< 2026-11-20 10:00:00.000 UTC > ", ``},
		{"42 2026-11-20 10:00:00 UTC ", `,"process_id":42`},
		{"1795168800.000 [42] ", `,"process_id":42`},
		{"2026-11-20 10:00:00.000 UTC [42] 5f3e1b2c.1a2b 00000 ", `,"process_id":42,"session_id":"5f3e1b2c.1a2b","sql_state_code":"00000"`},
		{"2026-11-20 10:00:00 UTC [42] app=my own app,db=shop,user= ", `,"process_id":42,"application_name":"my own app","database_name":"shop"`},
		{"2026-11-20 10:00:00 UTC [42]: app=my app client=[local] ", `,"process_id":42,"application_name":"my app","connection_from":"[local]"`},
		{"2026-11-20 10:00:00 UTC [42] 3/7 whatever ", `,"process_id":42,"prefix":"3/7 whatever"`},
		{"2026-11-20 10:00:00 XYZT [42] ", `,"time_zone":"XYZT","process_id":42`},
		{"2026-11-20 10:00:00 UTC:10.0.0.1:ada@shop:[42]:", `,"connection_from":"10.0.0.1","user_name":"ada","database_name":"shop","process_id":42`},
		{"2026-11-20 10:00:00 UTC [42] [queryid=-7] ada@shop ", `,"process_id":42,"queryid":-7,"user_name":"ada","database_name":"shop"`},
		{"2026-11-20 10:00:00 UTC [42]: [7-1] [0] ", `,"process_id":42,"session_line_num":7,"prefix":"[0]"`},
		{"2026-11-20 10:00:00 UTC p=42 tenant=7 @t=x ", `,"process_id":42,"tenant":7,"database_name":"t=x"`},
	} {
		got, _, r := readAll(t, c.prefix+"LOG:  up\n", FileOptions{})
		if d := cmp.Diff([]string{at + c.want + "}"}, got); d != "" || r.Report().Format != "PostgreSQL log" {
			t.Errorf("%s: %s\n%s", c.prefix, r.Report().Format, d)
		}
	}
}

func TestPostgres(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"what belongs to a record", "2026-11-20 10:00:00.123 UTC [42] ada@shop ERROR:  duplicate key: x\n2026-11-20 10:00:00.123 UTC [42] ada@shop DETAIL:  Key (id)=(1)\n\texists.\n2026-11-20 10:00:00.123 UTC [42] ada@shop HINT:  Try 2.\n" +
			"2026-11-20 10:00:00.123 UTC [42] ada@shop CONTEXT:  PL/pgSQL function f()\n2026-11-20 10:00:00.123 UTC [42] ada@shop STATEMENT:  INSERT\n\n\t  INTO x\n2026-11-20 10:00:01 UTC [43] LOG:  duration: 1.50 ms  statement: SELECT\n\t1\n2026-11-20 10:00:02 UTC [44] DEBUG5:  x\n", []string{
			`{"@t":"2026-11-20T10:00:00.1230000Z","@l":"Error","@m":"duplicate key: x","error_severity":"ERROR","process_id":42,"user_name":"ada","database_name":"shop","detail":"Key (id)=(1)\nexists.","hint":"Try 2.","context":"PL/pgSQL function f()","statement":"INSERT\n\n  INTO x"}`,
			`{"@t":"2026-11-20T10:00:01.0000000Z","@l":"Information","@m":"duration: 1.50 ms  statement: SELECT\n1","error_severity":"LOG","process_id":43,"duration_ms":1.50}`,
			`{"@t":"2026-11-20T10:00:02.0000000Z","@l":"Debug","@m":"x","error_severity":"DEBUG5","process_id":44}`,
		}},
		{"what does not", "\t\n2026-11-20 10:00:00 UTC [42] STATEMENT:  lone\n2026-11-20 10:00:01 UTC [43] LOG:  a\n2026-11-20 10:00:02 UTC [44] DETAIL:  of another\nan ERROR:  of nobody\n", []string{
			`{"@t":"2026-11-20T10:00:00.0000000Z","@m":"lone","error_severity":"STATEMENT","process_id":42}`,
			`{"@t":"2026-11-20T10:00:01.0000000Z","@l":"Information","@m":"a","error_severity":"LOG","process_id":43}`,
			`{"@t":"2026-11-20T10:00:02.0000000Z","@m":"of another\nan ERROR:  of nobody","error_severity":"DETAIL","process_id":44}`,
		}},
		{"syslog, parts between parts", "Nov 19 10:00:00 db-1 postgres[42]: [7-1] ada@shop ERROR:  no table\nNov 19 10:00:00 db-1 postgres[43]: [1-1] LOG:  other\nNov 19 10:00:00 db-1 postgres[42]: [7-2] ada@shop STATEMENT:  SELECT *\n" +
			"Nov 19 10:00:00 db-1 postgres[42]: [7-3] #011FROM#011x WHERE a\nNov 19 10:00:00 db-1 postgres[42]: [7-4]  = 1\nNov 19 10:00:01 db-1 systemd[1]: Started.\nNov 19 10:00:02 db-1 postgres[42]: [8-1] LOG:  next\n", []string{
			`{"@t":"2026-11-19T10:00:00.0000000Z","@l":"Error","@m":"no table","error_severity":"ERROR","host":"db-1","app":"postgres","process_id":42,"sequence_number":7,"user_name":"ada","database_name":"shop","statement":"SELECT *\nFROM\tx WHERE a = 1"}`,
			`{"@t":"2026-11-19T10:00:00.0000000Z","@l":"Information","@m":"other","error_severity":"LOG","host":"db-1","app":"postgres","process_id":43,"sequence_number":1}`,
			`{"@t":"2026-11-19T10:00:01.0000000Z","@m":"Started.","host":"db-1","app":"systemd","process_id":1}`,
			`{"@t":"2026-11-19T10:00:02.0000000Z","@l":"Information","@m":"next","error_severity":"LOG","host":"db-1","app":"postgres","process_id":42,"sequence_number":8}`,
		}},
		{"syslog, text that looks like a record", "Nov 19 10:00:00 db-1 postgres[42]: [7-1] ERROR:  no table\nNov 19 10:00:00 db-1 postgres[42]: [7-2]  of ours, says LOG:  other\n", []string{
			`{"@t":"2026-11-19T10:00:00.0000000Z","@l":"Error","@m":"no table of ours, says LOG:  other","error_severity":"ERROR","host":"db-1","app":"postgres","process_id":42,"sequence_number":7}`,
		}},
		{"syslog, two hosts with processes of one number", "Nov 19 10:00:00 db-1 postgres[42]: [7-1] ERROR:  no table\nNov 19 10:00:00 db-2 postgres[42]: [7-2] #011on db-2\nNov 19 10:00:00 db-1 postgres[42]: [7-2] #011on db-1\n", []string{
			`{"@t":"2026-11-19T10:00:00.0000000Z","@l":"Error","@m":"no table\non db-1","error_severity":"ERROR","host":"db-1","app":"postgres","process_id":42,"sequence_number":7}`,
			`{"@t":"2026-11-19T10:00:00.0000000Z","@m":"\ton db-2","host":"db-2","app":"postgres","process_id":42,"sequence_number":7}`,
		}},
		{"Heroku", "2026-11-20T10:00:00+00:00 app[postgres.42]: [GREEN] [15-1]  sql_error_code = 42P01 ERROR:  no table\n2026-11-20T10:00:00+00:00 app[postgres.42]: [GREEN] [15-2]  sql_error_code = 42P01 STATEMENT:  SELECT 1\n", []string{
			`{"@t":"2026-11-20T10:00:00.0000000Z","@l":"Error","@m":"no table","error_severity":"ERROR","app":"postgres","process_id":42,"prefix":"GREEN","sequence_number":15,"sql_state_code":"42P01","statement":"SELECT 1"}`,
		}},
		{"one blank, not two", "2026-11-20 10:00:00 UTC [42]:LOG: up\n2026-11-20 10:00:01 UTC [42]:ERROR: x\n", []string{
			`{"@t":"2026-11-20T10:00:00.0000000Z","@l":"Information","@m":"up","error_severity":"LOG","process_id":42}`,
			`{"@t":"2026-11-20T10:00:01.0000000Z","@l":"Error","@m":"x","error_severity":"ERROR","process_id":42}`,
		}},
		{"more lines than records", "2026-11-20 10:00:00 UTC [42] LOG:  vacuum\n\tpages: 1\n\ttuples: 2\n\tCPU: 3\n\tWAL: 4\n", []string{
			`{"@t":"2026-11-20T10:00:00.0000000Z","@l":"Information","@m":"vacuum\npages: 1\ntuples: 2\nCPU: 3\nWAL: 4","error_severity":"LOG","process_id":42}`,
		}},
		{"csvlog", `2026-11-20 10:00:00.123 UTC,"ada","shop",42,"10.0.0.1:5432",5f3e1b2c.2a,3,"SELECT",2026-11-20 09:59:00 UTC,3/7,0,ERROR,42P01,"relation ""x"" does not exist",,,,,,"SELECT *` + "\n" + `FROM x",15,,"psql","client backend",,0` + "\n" +
			`2026-11-20 10:00:01 UTC,,,43,,5f3e1b2c.2b,1,,2026-11-20 09:59:00 UTC,,0,LOG,00000,"duration: 2.5 ms",,,,,,,,,""` + "\n", []string{
			`{"@t":"2026-11-20T10:00:00.1230000Z","@l":"Error","@m":"relation \"x\" does not exist","log_time":"2026-11-20 10:00:00.123 UTC","user_name":"ada","database_name":"shop","process_id":42,"connection_from":"10.0.0.1:5432","session_id":"5f3e1b2c.2a","session_line_num":3,"command_tag":"SELECT","session_start_time":"2026-11-20 09:59:00 UTC","virtual_transaction_id":"3/7","transaction_id":0,"error_severity":"ERROR","sql_state_code":"42P01","message":"relation \"x\" does not exist","query":"SELECT *\nFROM x","query_pos":15,"application_name":"psql","backend_type":"client backend","query_id":0}`,
			`{"@t":"2026-11-20T10:00:01.0000000Z","@l":"Information","@m":"duration: 2.5 ms","log_time":"2026-11-20 10:00:01 UTC","process_id":43,"session_id":"5f3e1b2c.2b","session_line_num":1,"session_start_time":"2026-11-20 09:59:00 UTC","transaction_id":0,"error_severity":"LOG","sql_state_code":"00000","message":"duration: 2.5 ms","duration_ms":2.5}`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, refused, r := readAll(t, c.text, FileOptions{Patient: true})
			if d := cmp.Diff(c.want, got); d != "" || refused != nil || !strings.HasPrefix(r.Report().Format, "PostgreSQL") {
				t.Errorf("%s\n%s, refused %v", d, r.Report().Format, refused)
			}
		})
	}
}

// Of a pipe there may be one line to judge by.
func TestPostgresOneLine(t *testing.T) {
	text := "2026-11-20 13:45:00.123 UTC [4913] ada@shop ERROR:  no table\n"
	if _, _, r := readAll(t, text, FileOptions{}); r.Report().Format != "PostgreSQL log" {
		t.Errorf("%q is taken for %s", text, r.Report().Format)
	}
}

// PostgreSQL's JSON log is one more dialect of JSON.
func TestPostgresJSON(t *testing.T) {
	got, _, _ := readAll(t, `{"timestamp":"2026-11-20 10:00:00.123 UTC","pid":42,"error_severity":"WARNING","message":"x","detail":"y"}`+"\n", FileOptions{})
	if len(got) != 1 || !strings.HasPrefix(got[0], `{"@t":"2026-11-20T10:00:00.1230000Z","@l":"`) || !strings.Contains(got[0], `"@m":"x"`) {
		t.Errorf("%s", got)
	}
}

func TestPostgresIsNotSeenInOtherText(t *testing.T) {
	for _, text := range []string{
		"2026-11-20 10:00:00 ERROR:  x\n2026-11-20 10:00:01 INFO:  y\n",
		"Nov 19 10:00:00 web sshd[42]: Failed password for root\n",
		"LOG:  x\nLOG:  y\n",
		"2026-11-20 10:00:00,123 [42] FATAL: x\n2026-11-20 10:00:01,123 [42] ERROR: y\n",
		"a,b,c\n",
	} {
		if _, _, r := readAll(t, text, FileOptions{Patient: true}); strings.HasPrefix(r.Report().Format, "PostgreSQL") {
			t.Errorf("%q is taken for %s", text, r.Report().Format)
		}
	}
}

func FuzzPostgres(f *testing.F) {
	f.Add([]byte("2026-11-20 10:00:00.123 UTC [42] ada@shop app=a b,client=::1 ERROR:  x\n2026-11-20 10:00:00.123 UTC [42] ada@shop DETAIL:  Key\n\texists.\n\n2026-11-20 10:00:00 UTC:10.0.0.1(5):u@d:[42]:LOG:  a\n"))
	f.Add([]byte("Nov 19 10:00:00 db-1 postgres[42]: [7-1] ERROR:  no table\nNov 19 10:00:00 db-1 postgres[43]: [1-1] LOG:  other\nNov 19 10:00:00 db-1 postgres[42]: [7-2] #011STATEMENT:  SELECT *\nNov 19 10:00:00 db-1 postgres[42]: [7-3] HINT:  more\n"))
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(text []byte) { checkReading(t, "postgres", text, nil) })
	})
}

func BenchmarkPostgres(b *testing.B) {
	benchmarkFile(b, "postgres", bytes.Repeat([]byte("2026-11-20 10:00:00.123 UTC [4913] user=ada,db=shop,app=psql,client=10.0.0.1 ERROR:  relation \"orders\" does not exist at character 15\n2026-11-20 10:00:00.123 UTC [4913] user=ada,db=shop,app=psql,client=10.0.0.1 STATEMENT:  SELECT *\n\tFROM orders\n"), 10000))
}

func BenchmarkPostgresSyslog(b *testing.B) {
	benchmarkFile(b, "postgres", bytes.Repeat([]byte("Nov 19 10:00:00 db-1 postgres[42]: [7-1] db=shop,user=ada,app=psql,client=[local] LOG:  duration: 0.112 ms  statement: INSERT INTO history (tid, bid, aid)\nNov 19 10:00:00 db-1 postgres[42]: [7-2] #011VALUES (10, 1, 26429);\n"), 10000))
}

// What stands in the prefix of a DETAIL and not in that of its record is kept; soaking found it lost.
func TestPostgresPrefixesThatDiffer(t *testing.T) {
	text := "2026-11-20 10:00:00.123 UTC [42] ada@shop ERROR:  x\n2026-11-20 10:00:00.123 UTC [42] adahop DETAIL:  Key exists.\n2026-11-20 10:00:00.123 UTC [42] ada@shop STATEMENT:  y\n"
	got, refused, _ := readAll(t, text, FileOptions{Patient: true})
	want := []string{`{"@t":"2026-11-20T10:00:00.1230000Z","@l":"Error","@m":"x","error_severity":"ERROR","process_id":42,"user_name":"ada","database_name":"shop","detail_prefix":"adahop","detail":"Key exists.","statement":"y"}`}
	if d := cmp.Diff(want, got); d != "" || refused != nil {
		t.Errorf("%s\nrefused %v", d, refused)
	}
}
