package e2e

import (
	"net/url"
	"strings"
	"testing"
)

func TestClientWinstonLoki(t *testing.T) {
	skipWithoutProcesses(t)
	for _, form := range []string{"json", "protobuf"} {
		t.Run(form, func(t *testing.T) {
			p := serve(t, t.TempDir())
			runClient(t, "winston-loki.mjs", p.url, form)

			got := map[string]entity{}
			for _, e := range p.events("filter=" + url.QueryEscape("app = 'shop'")) {
				word, _, _ := strings.Cut(e.RenderedMessage, " {")
				got[strings.TrimSpace(word)] = e
			}
			placed := got["Order placed"]
			if len(got) != 3 || placed.Level != "info" || placed.property("level") != "info" || placed.property("note") != `a "quoted" word` ||
				!strings.HasPrefix(placed.RenderedMessage, `Order placed {"orderId":42`) {
				t.Errorf("the information came back as %+v", placed)
			}
			if form == "json" && placed.property("orderId") != "42" { // structured metadata, which are always text
				t.Errorf("its metadata came back as %+v", placed)
			}
			if failed := got["Order failed"]; failed.Level != "error" {
				t.Errorf("the error came back as %+v", failed)
			}

			// Lines of JSON are taken apart.
			got = map[string]entity{}
			for _, e := range p.events("filter=" + url.QueryEscape("app = 'lines'")) {
				got[e.RenderedMessage] = e
			}
			if placed := got["Order placed"]; len(got) != 3 || placed.Level != "info" || placed.property("orderId") != 42.0 || placed.property("message") != "Order placed" {
				t.Errorf("the line of JSON came back as %+v", placed)
			}
			if details := got["details"]; details.Level != "silly" || details.property("part") != "cart" {
				t.Errorf("the line with a label of its own came back as %+v", details)
			}
			p.stop()
		})
	}
}

func TestClientPinoLoki(t *testing.T) {
	skipWithoutProcesses(t)
	p := serve(t, t.TempDir())
	runClient(t, "pino-loki.mjs", p.url)

	got := map[string]entity{}
	for _, e := range p.events("filter=" + url.QueryEscape("app = 'shop'")) {
		got[e.RenderedMessage] = e
	}
	placed := got["Order placed"]
	if len(got) != 3 || placed.Level != "Information" || placed.property("orderId") != 42.0 || placed.TraceID != "0123456789abcdef0123456789abcdef" ||
		placed.property("trace_id") != "0123456789abcdef0123456789abcdef" {
		t.Errorf("the information came back as %+v", placed)
	}
	if failed := got["Order failed"]; failed.Level != "Error" || !strings.Contains(failed.Exception, "it broke") {
		t.Errorf("the error came back as %+v", failed)
	}
	if details := got["details"]; details.Level != "Verbose" {
		t.Errorf("the trace came back as %+v", details)
	}
	if n := len(p.events("filter=" + url.QueryEscape("level = 'info'"))); n != 1 { // the label, though the line has a number
		t.Errorf("level = 'info' finds %d events, want 1", n)
	}
	p.stop()
}
