package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/ingest"
)

// ingestCommand stores the events of files.
type ingestCommand struct {
	Files []string `arg:"" name:"file" help:"Log files, gzip-compressed or not; - is standard input."`

	Format       string        `enum:"auto,clef,json,text" default:"auto" help:"How to read the files: ${enum}."`
	TimeField    string        `placeholder:"NAME" help:"Member of JSON lines that holds the time; a.b leads into objects (default: detected)."`
	LevelField   string        `placeholder:"NAME" help:"Member that holds the level (default: detected)."`
	MessageField string        `placeholder:"NAME" help:"Member that holds the message (default: detected)."`
	Zone         string        `placeholder:"ZONE" default:"UTC" help:"Time zone of times that name none, as in Europe/Berlin or Local (default UTC)."`
	InvalidData  string        `enum:"ignore,fail" default:"ignore" help:"Lines that are no events: ignore them, store the rest and report them; or fail at the first."`
	EventLimit   string        `placeholder:"SIZE" default:"256KiB" help:"Longest event; longer ones are refused (default 256KiB; the server has its own limit)."`
	RetryFor     time.Duration `default:"1m" help:"How long to try again when the server is not ready (default 1m)."`
	Quiet        bool          `short:"q" help:"No progress bar and no summary; refused lines are reported all the same."`
	target       `embed:""`
}

func (ingestCommand) Help() string {
	return `The format is detected from the first lines: CLEF, one JSON object a line in other dialects, or text. Of JSON lines the
members that hold time, level and message are found, @t, @l and @m are added in front, and nothing is removed. Of text
the leading timestamp and the level are recognised, and lines without a timestamp continue the event before them.

    stele ingest app.clef                          a file of CLEF
    stele ingest /var/log/*.log /var/log/*.gz      text of all kinds, compressed or not
    kubectl logs -f pod | stele ingest -           what another program writes, as it comes
    stele ingest --time-field when.start a.jsonl   name what is not found by itself
    stele ingest --datapath ./data app.log         without a server

Exit code 2 says that lines were refused; the others are stored.`
}

func (c *ingestCommand) Run(ctx context.Context, s streams) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	d, err := c.open(writes)
	if err != nil {
		return err
	}
	sum := newSummary(time.Now())
	bar := newProgress(s.err, c.Files, c.Quiet)
	send := newSender(ctx, d, sum, bar, c.InvalidData == "fail", c.RetryFor)
	var failed error
	for _, name := range c.Files {
		if err := c.ingestFile(ctx, s, name, o, send, sum, bar); err != nil {
			if failed == nil {
				failed = err
			} else {
				report(s.err, err)
			}
			if send.failed() != nil || ctx.Err() != nil || c.InvalidData == "fail" && fault.KindOf(err) == fault.Invalid {
				break
			}
		}
	}
	if err := send.finish(); err != nil {
		failed = err // it is why reading stopped
	}
	bar.finish()
	if err := d.close(); err != nil && failed == nil {
		failed = err
	}
	sum.print(s, c.Quiet)
	if failed == nil && sum.refused > 0 {
		return exitCode(fault.Invalid.ExitCode())
	}
	return failed
}

func (c *ingestCommand) options() (o ingest.FileOptions, err error) {

	limit, err := parseSize(c.EventLimit)
	if err != nil || limit < 1 || limit > 1<<30 {
		return o, fault.New(fault.Invalid, "", "--event-limit %q is not a size from 1 to 1GiB", c.EventLimit)
	}
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return o, fault.New(fault.Invalid, "", "--zone %q is not the name of a time zone", c.Zone).WithHint("such as UTC, Local or Europe/Berlin")
	}
	return ingest.FileOptions{
		Format: ingest.FileFormat(c.Format), TimeField: c.TimeField, LevelField: c.LevelField, MessageField: c.MessageField,
		EventBytes: int(limit), Zone: zone, Now: time.Now(),
	}, nil
}

// ingestFile reads one file and sends its events on.
func (c *ingestCommand) ingestFile(ctx context.Context, s streams, name string, o ingest.FileOptions, send *sender, sum *summary, bar *progress) error {
	var source io.Reader = s.in
	shown := name
	if name == "-" {
		shown = "standard input"
	} else {
		f, err := os.Open(filepath.Clean(name))
		if err != nil {
			return fault.Wrap(err, "", "%s cannot be read", name)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return fault.Wrap(err, "", "%s cannot be read", name)
		}
		if info.IsDir() {
			return fault.New(fault.Invalid, "", "%s is a directory", name).WithHint("name its files, as in %s/*.log", name)
		}
		o.Modified, o.Patient = info.ModTime(), info.Mode().IsRegular()
		source = f
	}
	file := sum.file(shown)
	var lineFault error // what the first refused line is to end with, if refusals are to fail
	o.Refused = func(r ingest.FileRefusal) {
		sum.refuse(file, r.Line, r.Offset, explain(r.Err))
		if send.strict && lineFault == nil {
			lineFault = fault.WrapAs(fault.Invalid, r.Err, "", "%s line %d is refused", shown, r.Line)
		}
	}
	var reader *ingest.FileReader
	live := &idleReader{ctx: ctx, source: bar.reader(source), idle: func() {
		if reader == nil {
			return // nothing has come yet
		}
		if e, ok := reader.Pending(); ok {
			_ = send.add(file, e) // finish tells why it failed
		}
		send.flush()
	}}
	text, err := decompress(live)
	if err != nil {
		return fault.WrapAs(kindOfReading(err), err, "", "%s cannot be decompressed", shown)
	}
	reader = ingest.NewFileReader(text, o)
	for lineFault == nil && reader.Next() {
		if err := send.add(file, reader.Event()); err != nil {
			break // finish tells why
		}
		bar.event()
	}
	file.read(reader.Report())
	if lineFault != nil {
		send.drop()
		return lineFault
	}
	send.flush()
	if err := reader.Err(); err != nil {
		if fault.KindOf(err) == fault.Canceled {
			return fault.New(fault.Canceled, "", "%s: interrupted", shown)
		}
		if _, known := err.(*fault.Error); known {
			return fault.Wrap(err, "", "%s is not stored", shown)
		}
		return fault.WrapAs(kindOfReading(err), err, "", "%s: reading ended after %s of text", shown, counted(reader.Report().Bytes, "byte")).WithHint("what came before is stored")
	}
	return ctx.Err()
}
