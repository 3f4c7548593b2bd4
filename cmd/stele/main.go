// Command stele is the log server and the commands that go with it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	_ "time/tzdata" // for --tz, wherever the machine has no time zones of its own

	"github.com/alecthomas/kong"

	"github.com/stelehq/stele/internal/fault"
)

// version is set when a release is built: -ldflags "-X main.version=1.2.3".
var version = ""

func main() {
	os.Exit(run(os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// streams are the process's own, or a test's.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// commands is the whole command line.
type commands struct {
	Serve     serveCommand     `cmd:"" help:"Run the server: HTTP API and web page."`
	Ingest    ingestCommand    `cmd:"" help:"Store the events of log files: CLEF, JSON lines, text."`
	Search    searchCommand    `cmd:"" help:"Find events, newest first."`
	Query     queryCommand     `cmd:"" help:"Answer a query: select count(*) from stream group by @Level."`
	Tail      tailCommand      `cmd:"" help:"Show events as they arrive."`
	Refused   refusedCommand   `cmd:"" help:"Show what the server has refused, and ingest it again."`
	Signal    signalCommand    `cmd:"" help:"Show and change saved filters."`
	Delete    deleteCommand    `cmd:"" help:"Delete events: by time, by filter, by id."`
	Retention retentionCommand `cmd:"" help:"Show and change what the store does not keep."`
	Stats     statsCommand     `cmd:"" help:"Show what is in the store."`
	Verify    verifyCommand    `cmd:"" help:"Check every byte of a store that no server has open."`
	Backup    backupCommand    `cmd:"" help:"Make a backup, of a server that runs too; list and check backups."`
	Restore   restoreCommand   `cmd:"" help:"Make a store of a backup."`
	Repair    repairCommand    `cmd:"" help:"Write what is sound of a damaged store into a new one."`
	Inspect   inspectCommand   `cmd:"" help:"Show what is inside the files of a store."`
	Version   versionCommand   `cmd:"" help:"Show the version."`
}

const description = `Stele is an event store and log server: structured logs, searchable within a minute.

    stele serve                          # http://localhost:5341, data in ./data
    stele ingest app.log access.log.gz   # files in, whatever their format
    stele search "@Level = 'Error'"      # and find events again
    stele query "select count(*) from stream group by @Level"

Commands talk to the server at --url, or open the directory of a server that is not running with --datapath.
Exit codes: 0 done, 2 wrong usage or input, 6 store in use, 13 damaged data; docs/cli.md has them all.`

// exited carries an exit code out of kong, which ends the process after --help.
type exited int

// run runs one command line and returns the process's exit code.
func run(args []string, s streams) (code int) {
	defer func() {
		if p := recover(); p != nil {
			c, ok := p.(exited)
			if !ok {
				panic(p)
			}
			code = int(c)
		}
	}()
	var c commands
	parser, err := c.parser(s)
	if err != nil {
		return report(s.err, fault.Wrap(err, "read command line", "its description is wrong"))
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	ctx, err := parser.Parse(args)
	if err != nil {
		return report(s.err, usageError(err))
	}
	if ctx.Command() == "serve" { // it has its own way to end
		return report(s.err, ctx.Run())
	}
	life, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(life, stop) // a second signal ends the process at once
	ctx.BindTo(life, (*context.Context)(nil))
	return report(s.err, ctx.Run())
}

func (c *commands) parser(s streams) (*kong.Kong, error) {
	return kong.New(c,
		kong.Name("stele"),
		kong.Description(description),
		kong.Writers(s.out, s.err),
		kong.Exit(func(code int) { panic(exited(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 110}),
		kong.Vars{"defaultURL": defaultURL, "formats": formatNames()},
		kong.Bind(s),
	)
}

func usageError(err error) error {
	return fault.New(fault.Invalid, "", "%s", err).WithHint("stele --help, or stele COMMAND --help, shows what there is")
}

// report prints an error as people read it and returns the exit code of its kind.
func report(w io.Writer, err error) int {
	if err == nil {
		return 0
	}
	if c, ok := errors.AsType[exitCode](err); ok {
		return int(c)
	}
	fmt.Fprintf(w, "stele: %s\n", explain(err))
	return fault.KindOf(err).ExitCode()
}

// exitCode is an error that was already told; only its code is left.
type exitCode int

func (exitCode) Error() string { return "" }

type versionCommand struct{}

func (versionCommand) Run(s streams) error {
	fmt.Fprintln(s.out, "stele", versionNumber())
	return nil
}

var numbered = regexp.MustCompile(`^v?(\d+\.\d+\.\d+.*)$`)

// versionNumber is major.minor.patch[-suffix], which clients parse; what was not built from
// a tag is 0.0.0.
func versionNumber() string {
	if m := numbered.FindStringSubmatch(version); m != nil {
		return m[1]
	}
	if version == "" {
		return "0.0.0-dev"
	}
	return "0.0.0-" + version
}
