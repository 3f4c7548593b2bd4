package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/follow"
	"github.com/stelehq/stele/internal/ingest"
	"github.com/stelehq/stele/internal/otlp"
	"github.com/stelehq/stele/internal/units"
)

// ingestCommand stores the events of files.
type ingestCommand struct {
	Files []string `arg:"" name:"file" help:"Log files, gzip-compressed or not, directories, patterns in which ** is any number of directories; - is standard input."`

	Format       string        `enum:"${formats}" default:"auto" help:"How to read the files: ${enum}."`
	Pattern      string        `placeholder:"PATTERN" help:"How to take lines of text apart, as in '{@t} [{@l}] {@m}', or a regular expression with named groups (see docs/patterns.md)."`
	TimeField    string        `placeholder:"NAME" help:"Member of JSON lines that holds the time; a.b leads into objects (default: detected)."`
	LevelField   string        `placeholder:"NAME" help:"Member that holds the level (default: detected)."`
	MessageField string        `placeholder:"NAME" help:"Member that holds the message (default: detected)."`
	TZ           string        `name:"tz" aliases:"zone" placeholder:"ZONE" default:"UTC" help:"Time zone of times that name none, as in Europe/Berlin or Local (default UTC)."`
	InvalidData  string        `enum:"ignore,fail" default:"ignore" help:"Lines that are no events: ignore them, store the rest and report them; or fail at the first."`
	Refused      string        `placeholder:"FILE" help:"Append each refused line to this file, as JSON with its place and the reason."`
	Follow       bool          `short:"f" help:"Go on as files grow and new ones appear, through rotation and restarts, each event once."`
	State        string        `placeholder:"FILE" help:"Where to remember how far files were read; without --follow, read what was added since (default with --follow: in the user's state directory)."`
	Poll         time.Duration `default:"250ms" help:"How often --follow looks at the files (default 250ms)."`
	EventLimit   string        `placeholder:"SIZE" default:"256KiB" help:"Longest event; longer ones are refused (default 256KiB; the server has its own limit)."`
	RetryFor     time.Duration `default:"1m" help:"How long to try again when the server is not ready (default 1m)."`
	Quiet        bool          `short:"q" help:"No progress bar and no summary; refused lines are reported all the same."`
	target       `embed:""`
}

func (ingestCommand) Help() string {
	return `The format is detected from the first lines, unless --format names it. Of JSON lines the members that hold time, level
and message are found, @t, @l and @m are added in front, and nothing is removed. Of text the leading timestamp and the
level are recognised, and lines without a timestamp continue the event before them.

    stele ingest app.clef                          a file of CLEF
    stele ingest /var/log                          all files below a directory, compressed or not
    stele ingest '/srv/*/logs/**/*.log'            a pattern
    stele ingest --follow /var/log/app.log         and whatever is added, through rotation
    kubectl logs -f pod | stele ingest -           what another program writes, as it comes
    stele ingest --time-field when.start a.jsonl   name what is not found by itself
    stele ingest --datapath ./data app.log         without a server

Formats:
` + formatsHelp() + `
Exit code 2 says that lines were refused; the others are stored.`
}

// formatNames is what --format may be.
func formatNames() string {
	formats, _ := ingest.Formats()
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = string(f)
	}
	return strings.Join(names, ",")
}

func formatsHelp() string {
	var b strings.Builder
	formats, help := ingest.Formats()
	for i, f := range formats {
		fmt.Fprintf(&b, "    %-12s  %s\n", f, help[i])
	}
	return b.String()
}

func (c *ingestCommand) Run(ctx context.Context, s streams) (err error) {
	o, err := c.options()
	if err != nil {
		return err
	}
	d, err := c.open(writes)
	if err != nil {
		return err
	}
	sum := newSummary(time.Now())
	if c.Refused != "" {
		if sum.keep, err = openRefused(c.Refused); err != nil {
			return errors.Join(err, d.close())
		}
	}
	if c.Follow || c.State != "" {
		if err := c.followFiles(ctx, s, d, sum, o); err != nil {
			sum.fail(err)
		}
	} else {
		c.files(ctx, s, d, sum, o)
	}
	if err := d.close(); err != nil {
		sum.fail(err)
	}
	if sum.keep != nil {
		if err := sum.keep.close(); err != nil {
			sum.fail(err)
		}
	}
	sum.print(s, c.Quiet)
	if c.Follow && len(sum.failures) == 0 {
		return nil // it was told to end
	}
	return sum.code()
}

func (c *ingestCommand) options() (o ingest.FileOptions, err error) {
	limit, err := units.ParseSize(c.EventLimit)
	if err != nil || limit < 1 || limit > 1<<30 {
		return o, fault.New(fault.Invalid, "", "--event-limit %q is not a size from 1 to 1GiB", c.EventLimit)
	}
	zone, err := time.LoadLocation(c.TZ)
	if err != nil {
		return o, fault.New(fault.Invalid, "", "--tz %q is not the name of a time zone", c.TZ).WithHint("such as UTC, Local or Europe/Berlin")
	}
	if c.Pattern != "" {
		if err := ingest.CheckPattern(c.Pattern); err != nil {
			return o, fault.Wrap(err, "", "--pattern %q", c.Pattern)
		}
	}
	return ingest.FileOptions{
		Format: ingest.FileFormat(c.Format), Pattern: c.Pattern, TimeField: c.TimeField, LevelField: c.LevelField, MessageField: c.MessageField,
		EventBytes: int(limit), Zone: zone, Now: time.Now(), OTLPLogs: otlp.LogsJSON, OTLPTraces: otlp.TracesJSON,
	}, nil
}

// files stores what is in the files now, and after that what comes through standard input.
func (c *ingestCommand) files(ctx context.Context, s streams, d door, sum *summary, o ingest.FileOptions) {
	names := slices.DeleteFunc(slices.Clone(c.Files), func(name string) bool { return name == "-" })
	found := follow.Find(names)
	for _, name := range found.Hidden {
		sum.skip("hidden", name)
	}
	for _, name := range found.Stores {
		sum.skip("a store", name)
	}
	for _, err := range found.Errs {
		sum.fail(err)
	}
	total := int64(0)
	for _, f := range found.Files {
		total += f.Size
		if !f.Regular {
			total = -1
			break
		}
	}
	sources := found.Files
	if len(names) < len(c.Files) {
		sources, total = append(sources, follow.File{Path: "-", Named: true}), -1
	}
	if len(sources) == 0 && len(found.Errs) == 0 {
		sum.fail(fault.New(fault.NotFound, "", "there are no files in %s", strings.Join(c.Files, ", ")))
	}
	bar := newProgress(s.err, total, c.Quiet)
	send := newSender(ctx, courier{door: d, sum: sum, bar: bar, strict: c.InvalidData == "fail", retryFor: c.RetryFor})
	for _, f := range sources {
		err := c.file(ctx, s, f, o, send)
		if errors.Is(err, ingest.ErrBinary) && !f.Named {
			sum.skip("binary", f.Path)
			continue
		}
		if send.failed() != nil {
			break // finish tells why
		}
		if err != nil {
			sum.fail(err)
			if ctx.Err() != nil || send.strict && fault.KindOf(err) == fault.Invalid {
				break
			}
		}
	}
	if err := send.finish(); err != nil {
		sum.fail(err)
	}
	bar.finish()
}

// file reads one file and sends its events on.
func (c *ingestCommand) file(ctx context.Context, s streams, found follow.File, o ingest.FileOptions, send *sender) error {
	var source io.Reader = s.in
	shown := found.Path
	if shown == "-" {
		shown = "standard input"
	} else {
		f, err := os.Open(found.Real)
		if err != nil {
			return fault.Wrap(err, "", "%s cannot be read", shown)
		}
		defer f.Close()
		if o.Modified, o.Patient = found.Mod, found.Regular; found.Regular {
			o.Ahead = func() (io.ReadCloser, error) { return openText(found.Real) }
		}
		source = f
	}
	file := send.sum.file(shown)
	var lineFault error // what the first refused line is to end with, if refusals are to fail
	o.Refused = func(r ingest.FileRefusal) {
		send.sum.refuse(refusal{file, r.Line, r.Offset, explain(r.Err), r.Text})
		if send.strict && lineFault == nil {
			lineFault = fault.WrapAs(fault.Invalid, r.Err, "", "%s line %d is refused", shown, r.Line)
		}
	}
	var reader *ingest.FileReader
	live := &idleReader{ctx: ctx, source: send.bar.reader(source), idle: func() {
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
		send.bar.event()
	}
	file.read(reader.Report())
	if lineFault != nil {
		send.drop()
		return lineFault
	}
	if send.strict {
		send.flush() // what is refused later does not concern this file
	}
	if err := reader.Err(); err != nil {
		return readingError(err, shown, reader)
	}
	return ctx.Err()
}

// readingError tells why a file was not read to its end.
func readingError(err error, shown string, reader *ingest.FileReader) error {
	if fault.KindOf(err) == fault.Canceled {
		return fault.New(fault.Canceled, "", "%s: interrupted", shown)
	}
	if _, known := err.(*fault.Error); known {
		return fault.Wrap(err, "", "%s is not stored", shown)
	}
	return fault.WrapAs(kindOfReading(err), err, "", "%s: reading ended after %s of text", shown, counted(reader.Report().Bytes, "byte")).WithHint("what came before is stored")
}
