package server

import (
	"regexp"
	"strings"
	"testing"
)

func TestDocuments(t *testing.T) {
	h := serve(t, Options{DocumentBytes: 1000})
	type step struct {
		method, path, body string
		status             int
		want               string // the body, or a part of the error
	}
	changed := regexp.MustCompile(`"Changed":"[^"]+"`)
	for _, s := range []step{
		{"GET", "/api/documents", "", 200, `[]`},
		{"PUT", "/api/documents/a", ` {"x" : 1.0} `, 200, `{"Key":"a","Bytes":13}`},
		{"GET", "/api/documents/a", "", 200, ` {"x" : 1.0} `},
		{"POST", "/api/documents/a", `[1]`, 200, `{"Key":"a","Bytes":3}`},
		{"PUT", "/api/documents/dir/b%20%2F%2Fc%3F", `null`, 200, `{"Key":"dir/b //c?","Bytes":4}`},
		{"GET", "/api/documents/dir/b%20%2F%2Fc%3F", "", 200, `null`},
		{"PUT", "/api/documents/%C3%A9%E2%82%AC", `"e"`, 200, `{"Key":"é€","Bytes":3}`},
		{"GET", "/api/documents", "", 200, `[{"Key":"a","Bytes":3,"Changed":"…"},{"Key":"dir/b //c?","Bytes":4,"Changed":"…"},{"Key":"é€","Bytes":3,"Changed":"…"}]`},
		{"GET", "/api/documents?prefix=dir/", "", 200, `[{"Key":"dir/b //c?","Bytes":4,"Changed":"…"}]`},
		{"PUT", "/api/documents/a", `{`, 400, "JSON"},
		{"PUT", "/api/documents/a", ``, 400, "JSON"},
		{"PUT", "/api/documents/a", `"` + strings.Repeat("x", 1000) + `"`, 413, "over the limit of 1000 bytes"},
		{"PUT", "/api/documents/" + strings.Repeat("k", 1025), `1`, 400, "1 to 1024"},
		{"PUT", "/api/documents/template", `1`, 400, `the key "template" is reserved`},
		{"POST", "/api/documents/resources", `1`, 400, `the key "resources" is reserved`},
		{"DELETE", "/api/documents/resources", ``, 400, "reserved"},
		{"GET", "/api/documents/", ``, 400, "names no document"},
		{"GET", "/api/documents/none", ``, 404, `there is no document "none"`},
		{"DELETE", "/api/documents/none", ``, 404, `there is no document "none"`},
		{"DELETE", "/api/documents/a", ``, 204, ""},
		{"GET", "/api/documents/a", ``, 404, `there is no document "a"`},
		{"GET", "/api/documents/resources", "", 200, `{"Links":{"Item":"api/documents/{key}","Items":"api/documents{?prefix}"}}`},
	} {
		a := h.do(s.method, s.path, s.body)
		if s.status >= 400 {
			a.wantError(t, s.status, s.want)
			continue
		}
		a.body = changed.ReplaceAllString(a.body, `"Changed":"…"`)
		t.Log(s.method, s.path)
		a.want(t, s.status, s.want)
	}
}

// A key is what stands in the path, even where a path on disk would be another one: no redirect leads to another key.
func TestKeysAreNoPaths(t *testing.T) {
	h := serve(t, Options{})
	for _, c := range []struct{ path, key string }{
		{"a//b", "a//b"}, {"/a", "/a"}, {"a/", "a/"}, {"a/./b", "a/./b"}, {"a/../b", "a/../b"}, {"..", ".."}, {"a%2F%2Fb%2E", "a//b."}, {"a.json", "a.json"}, {"%2525//x", "%25//x"},
	} {
		for _, space := range []string{"/api/documents/", "/api/data/"} {
			h.do("PUT", space+c.path, `1`).want(t, 200, `{"Key":"`+c.key+`","Bytes":1}`)
			h.do("GET", space+c.path, "").want(t, 200, `1`)
			h.do("DELETE", space+c.path, "").want(t, 204, "")
		}
	}
	h.do("GET", "/api/documents", "").want(t, 200, `[]`)
	if a := h.do("GET", "/metrics", ""); !strings.Contains(a.body, `path="/api/documents/{key...}"`) {
		t.Errorf("the meters do not know the requests: %s", a.body)
	}
}

// The source sample's form of documents, beside queries; the server's own documents are in neither.
func TestR22SampleForm(t *testing.T) {
	h := serve(t, Options{})
	h.do("POST", "/ingest/clef", "{}").wantError(t, 400, "") // makes a document of the server's own
	h.do("GET", "/api/data", "").want(t, 200, `{}`)
	h.do("POST", "/api/data/b", `{"v":[1,2]}`).want(t, 200, `{"Key":"b","Bytes":11}`)
	h.do("PUT", "/api/data/a", `1`).want(t, 200, `{"Key":"a","Bytes":1}`)
	h.do("GET", "/api/data", "").want(t, 200, `{"a":1,"b":{"v":[1,2]}}`)
	h.do("GET", "/api/data/b", "").want(t, 200, `{"v":[1,2]}`)
	h.do("GET", "/api/documents/b", "").want(t, 200, `{"v":[1,2]}`)
	h.do("DELETE", "/api/data/a", "").want(t, 204, "")
	h.do("GET", "/api/data", "").want(t, 200, `{"b":{"v":[1,2]}}`)
	for _, method := range []string{"GET", "POST"} {
		if a := h.do(method, "/api/data?q=select+1", ""); a.status != 200 || !strings.HasPrefix(a.body, `{"Columns":["1"],"Rows":[[1]],`) {
			t.Errorf("a query gives %d %s", a.status, a.body)
		}
	}
	h.do("POST", "/api/data", "{}").wantError(t, 400, "parameter q: it is missing")
	h.do("POST", "/api/data/template", "1").wantError(t, 400, "reserved")
	h.do("GET", "/api/data/resources", "").want(t, 200, `{"Links":{"Item":"api/data/{key}","Items":"api/data{?prefix}","Query":"api/data{?q,rangeStartUtc,rangeEndUtc,signal,timeoutMS,trace,format}"}}`)
	if a := h.do("GET", "/api/documents", ""); strings.Contains(a.body, "refused-") {
		t.Errorf("the server's documents are among the users': %s", a.body)
	}
}
