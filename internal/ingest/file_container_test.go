package ingest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPrograms reads what Docker Compose and kubectl show of several programs.
func TestPrograms(t *testing.T) {
	for _, c := range []struct {
		name, text, format string
		want               []string
		undated            int64
	}{
		{"Compose", "web-1  | 192.0.2.7 - - [20/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 12\n" +
			"app_1  | 2026-11-20 10:00:01,123 - ERROR - broken\n" +
			"web-1  | 192.0.2.7 - - [20/Nov/2026:10:00:02 +0000] \"GET / HTTP/1.1\" 200 12\n" +
			"app_1  | Traceback (most recent call last):\napp_1  |   File \"a.py\", line 3\napp_1  | ValueError: x\n" +
			"job    | ready\njob    | steady\njob    | \njob    |\n" +
			"app_1 exited with code 1\n", "Docker Compose: access log (common)", []string{
			`{"@t":"2026-11-20T10:00:00.0000000Z","@l":"Information","@m":"GET / HTTP/1.1 200","remote_addr":"192.0.2.7","method":"GET","path":"/","protocol":"HTTP/1.1","status":200,"body_bytes_sent":12,"app":"web-1"}`,
			`{"@t":"2026-11-20T10:00:01.1230000Z","@l":"Error","@m":"broken","level":"ERROR","app":"app_1"}`,
			`{"@t":"2026-11-20T10:00:02.0000000Z","@l":"Information","@m":"GET / HTTP/1.1 200","remote_addr":"192.0.2.7","method":"GET","path":"/","protocol":"HTTP/1.1","status":200,"body_bytes_sent":12,"app":"web-1"}`,
			`{"@t":"2026-11-20T10:00:02.0000000Z","@m":"Traceback (most recent call last):","@x":"  File \"a.py\", line 3\nValueError: x","app":"app_1"}`,
			`{"@t":"2026-11-20T10:00:02.0000000Z","@m":"ready","app":"job"}`,
			`{"@t":"2026-11-20T10:00:02.0000000Z","@m":"steady","app":"job"}`,
			`{"@t":"2026-11-20T10:00:02.0000000Z","@m":"app_1 exited with code 1"}`,
		}, 4},
		{"coloured, with times", "\x1b[2K\x1b[36mweb-1  |\x1b[0m 2026-11-20T10:00:00.123456789Z \x1b[32mINFO\x1b[0m: up\n\x1b[36mweb-1  | \x1b[0m2026-11-20T10:00:01.123456789Z plain\n",
			"Docker Compose: text without timestamps", []string{
				`{"@t":"2026-11-20T10:00:00.123456789Z","@l":"Information","@m":"INFO: up","app":"web-1"}`,
				`{"@t":"2026-11-20T10:00:01.123456789Z","@m":"plain","app":"web-1"}`,
			}, 0},
		{"kubectl", "[pod/web-7c9/app] 2026-11-20 10:00:00,123 - INFO - up\n[pod/web-7c9/side] 2026-11-20 10:00:01,123 - ERROR - down\n", "kubectl: Python, level", []string{
			`{"@t":"2026-11-20T10:00:00.1230000Z","@l":"Information","@m":"up","level":"INFO","app":"pod/web-7c9/app"}`,
			`{"@t":"2026-11-20T10:00:01.1230000Z","@l":"Error","@m":"down","level":"ERROR","app":"pod/web-7c9/side"}`,
		}, 0},
		{"a level is no program", "INFO | up\nERROR | down\n", "text without timestamps", []string{
			noon + `,"@l":"Information","@m":"INFO | up"}`,
			noon + `,"@l":"Error","@m":"ERROR | down"}`,
		}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, refused, r := readAll(t, c.text, FileOptions{Patient: true})
			if d := cmp.Diff(c.want, got); d != "" || refused != nil || r.Report().Format != c.format || r.Report().Undated != c.undated {
				t.Errorf("%s\nrefused %v, %+v", d, refused, r.Report())
			}
		})
	}
}
