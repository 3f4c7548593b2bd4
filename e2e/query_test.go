package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
)

// seqClient calls the API as Seq's client library does: by the links of the root, with every parameter in the template, and entities sent back with all that came with them.
type seqClient struct {
	t    *testing.T
	base string
	http *http.Client
}

func (c *seqClient) send(method, path string, body any, header ...string) (status int, answer []byte) {
	c.t.Helper()
	var text []byte
	if body != nil {
		text, _ = json.Marshal(body)
	}
	req, err := http.NewRequest(method, c.base+"/"+path, bytes.NewReader(text))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Accept", "application/vnd.datalust.seq.v14+json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if resp.Header.Get("Access-Control-Allow-Origin") != "" {
		c.t.Errorf("%s may be read by pages of other sites", path)
	}
	return resp.StatusCode, answer
}

// call sends a request whose answer is JSON.
func (c *seqClient) call(method, path string, body any) (status int, answer map[string]any) {
	c.t.Helper()
	status, text := c.send(method, path, body)
	if len(text) > 0 {
		if err := json.Unmarshal(text, &answer); err != nil {
			c.t.Fatalf("%s %s: %d %s", method, path, status, text)
		}
	}
	return status, answer
}

// link resolves a link of a group; a parameter that the template does not name is an error, as it is in the library.
func (c *seqClient) link(group, name string, parameters url.Values) string {
	c.t.Helper()
	_, root := c.call("GET", "api", nil)
	_, resources := c.call("GET", root["Links"].(map[string]any)[group+"Resources"].(string), nil)
	return c.expand(resources["Links"].(map[string]any)[name].(string), parameters)
}

func (c *seqClient) expand(template string, parameters url.Values) string {
	c.t.Helper()
	path, names, _ := strings.Cut(strings.TrimSuffix(template, "}"), "{?")
	for name := range parameters {
		if !strings.Contains(","+names+",", ","+name+",") {
			c.t.Fatalf("the template %s has no parameter %s", template, name)
		}
	}
	if len(parameters) == 0 {
		return path
	}
	return path + "?" + parameters.Encode()
}

// corpus is a file of real events, and how many it has by level.
func corpus(t *testing.T) (text []byte, levels map[string]int) {
	t.Helper()
	text, err := os.ReadFile("../../shared/data/clef/umbraco-20181112-part1.clef")
	if err != nil {
		t.Skip("skipped: ../shared/data is not there")
	}
	levels = map[string]int{}
	for line := range bytes.Lines(text) {
		var e map[string]any
		if json.Unmarshal(bytes.TrimPrefix(line, []byte("\ufeff")), &e) != nil {
			continue
		}
		level, ok := e["@l"].(string)
		if !ok {
			level = "Information"
		}
		levels[level]++
	}
	return text, levels
}

func TestQueriesAndSignalsOfRealEvents(t *testing.T) {
	skipWithoutProcesses(t)
	text, levels := corpus(t)
	p := serve(t, t.TempDir())
	if status, answer, err := p.post(http.DefaultClient, string(text)); err != nil || status != http.StatusCreated {
		t.Fatalf("%d %s %v", status, answer, err)
	}
	c := &seqClient{t, p.url, http.DefaultClient}
	query := func(q string, more ...string) (int, map[string]any) {
		t.Helper()
		parameters := url.Values{"q": {q}}
		for i := 0; i+1 < len(more); i += 2 {
			parameters.Set(more[i], more[i+1])
		}
		return c.call("POST", c.link("Data", "Query", parameters), map[string]any{"Signal": nil, "Variables": nil})
	}
	total := 0
	for _, n := range levels {
		total += n
	}

	status, answer := query("select count(*) as n from stream group by @Level", "rangeStartUtc", "2018-11-12T00:00:00.0000000Z", "rangeEndUtc", "2018-11-13T00:00:00.0000000Z", "timeoutMS", "60000", "trace", "true")
	got := map[string]int{}
	for _, row := range answer["Rows"].([]any) {
		got[row.([]any)[0].(string)] = int(row.([]any)[1].(float64))
	}
	if status != 200 || fmt.Sprint(answer["Columns"]) != "[@Level n]" || !maps.Equal(got, levels) {
		t.Errorf("%d %v, expected %v", status, answer, levels)
	}
	if _, ok := answer["Statistics"].(map[string]any)["ElapsedMilliseconds"].(float64); !ok {
		t.Errorf("statistics %v", answer["Statistics"])
	}

	// As seqcli flattens slices and series.
	sum := func(slices any) (n int) {
		for _, s := range slices.([]any) {
			if !regexp.MustCompile(`^2018-11-12T0\d:\d\d:00\.0000000Z$`).MatchString(s.(map[string]any)["Time"].(string)) {
				t.Errorf("the time of %v", s)
			}
			for _, row := range s.(map[string]any)["Rows"].([]any) {
				if len(row.([]any)) == 1 {
					n += int(row.([]any)[0].(float64))
				}
			}
		}
		return n
	}
	_, answer = query("select count(*) as n from stream group by time(5m)", "rangeStartUtc", "2018-11-12T08:30:00Z", "rangeEndUtc", "2018-11-12T09:30:00Z")
	if n := sum(answer["Slices"]); n != total || fmt.Sprint(answer["Columns"]) != "[n]" {
		t.Errorf("%d events in slices of %d: %v", n, total, answer)
	}
	_, answer = query("select count(*) as n from stream group by time(5m), @Level", "rangeStartUtc", "2018-11-12T08:30:00Z", "rangeEndUtc", "2018-11-12T09:30:00Z")
	for _, s := range answer["Series"].([]any) {
		level := s.(map[string]any)["Key"].([]any)[0].(string)
		if n := sum(s.(map[string]any)["Slices"]); n != levels[level] {
			t.Errorf("%d events of %s, expected %d", n, level, levels[level])
		}
	}
	if len(answer["Series"].([]any)) != len(levels) || fmt.Sprint(answer["Columns"]) != "[@Level n]" {
		t.Errorf("%v", answer)
	}

	// CSV, also as a page's link has it.
	_, csv := c.send("GET", c.link("Data", "Query", url.Values{"q": {"select @Level, @Message from stream limit 5000"}, "format": {"text/csv"}}), nil)
	if n := bytes.Count(csv, []byte("\r\n")); n < total+1 || !bytes.HasPrefix(csv, []byte("@Level,@Message\r\n")) {
		t.Errorf("%d lines of CSV", n)
	}

	// seqcli signal create: the template, the strict form of what was typed, and the entity with all its links to where it says.
	_, template := c.call("GET", c.link("Signals", "Template", nil), nil)
	for i, typed := range []string{"@Level='Error'", "@Level = 'Warning' ", "no expression"} {
		_, strict := c.call("GET", c.link("Expressions", "ToStrict", url.Values{"fuzzy": {typed}}), nil)
		if strict["MatchedAsText"] != (i == 2) {
			t.Errorf("%q is %v", typed, strict)
		}
		signal := maps.Clone(template)
		signal["Title"], signal["Filters"] = typed, []any{map[string]any{"Filter": strict["StrictExpression"], "FilterNonStrict": typed}}
		status, made := c.call("POST", template["Links"].(map[string]any)["Create"].(string), signal)
		if status != 201 || made["Id"] != fmt.Sprintf("signal-%d", i+1) {
			t.Fatalf("%d %v", status, made)
		}
	}
	for expr, want := range map[string]int{"signal-1": levels["Error"], "signal-1~signal-2": levels["Error"] + levels["Warning"], "signal-1,signal-2": 0, "(signal-1~signal-2),signal-2": levels["Warning"], "signal-3": 0} {
		if _, answer := query("select count(*) from stream", "signal", expr); fmt.Sprint(answer["Rows"]) != fmt.Sprintf("[[%d]]", want) {
			t.Errorf("%s: %v, expected %d", expr, answer["Rows"], want)
		}
		_, clef := c.send("GET", "api/events?clef=true&count=0&signal="+url.QueryEscape(expr), nil)
		if n := bytes.Count(clef, []byte("\n")); n != want {
			t.Errorf("%s finds %d events, expected %d", expr, n, want)
		}
	}
	_, signal := c.call("GET", "api/signals/signal-3", nil)
	if status, _ := c.send("DELETE", signal["Links"].(map[string]any)["Self"].(string), signal); status != 204 {
		t.Errorf("delete: %d", status)
	}
	if status, answer := query("1", "signal", "signal-3"); status != 404 || !strings.Contains(fmt.Sprint(answer["Error"]), `"signal-3"`) {
		t.Errorf("%d %v", status, answer)
	}

	// A wrong query is told in the part that TryQuery reads.
	status, answer = query("select count(*) from stream where @Level == 'Error'")
	if reasons, _ := answer["Reasons"].([]any); status != 400 || len(reasons) != 1 || answer["Suggestion"] != "select count(*) from stream where @Level = 'Error'" {
		t.Errorf("%d %v", status, answer)
	}
	if status, _ := c.send("POST", "api/signals", template, "Origin", "http://elsewhere.example"); status != 403 {
		t.Errorf("a page of another site makes a signal: %d", status)
	}

	// The command line says the same.
	out, errs, code := run(t, "query", "--url", p.url, "--json", "select count(*) as n from stream group by @Level")
	lines := map[string]int{}
	for scan := bufio.NewScanner(strings.NewReader(out)); scan.Scan(); {
		var row struct {
			Level string `json:"@Level"`
			N     int    `json:"n"`
		}
		if err := json.Unmarshal(scan.Bytes(), &row); err != nil {
			t.Error(err)
		}
		lines[row.Level] = row.N
	}
	if code != 0 || errs != "" || !maps.Equal(lines, levels) {
		t.Errorf("stele query ends with %d: %s%s", code, out, errs)
	}
	p.stop()
}
