package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
)

// verifyCommand checks a store.
type verifyCommand struct {
	Dir    string   `arg:"" help:"The store's directory; no server may have it open."`
	Forget []string `placeholder:"FILE" help:"Let go of what is damaged in a file first."`
	JSON   bool     `name:"json" help:"One JSON object."`
}

func (verifyCommand) Help() string {
	return `Reads every byte that the store consists of and checks it. Nothing is changed. Exit code 13 says that data is damaged;
the report says which file, where, what was expected and found, and what is lost.

Damaged files are kept, in place or in the directory quarantine, until they are forgotten: then what is sound of them is kept and the file is removed.

    stele verify ./data
    stele verify ./data --forget journal-0000000000000007.log`
}

// verifyReport is what --json prints.
type verifyReport struct {
	Files, Frames, Blocks, Events, Documents, Bytes int64
	Seconds                                         float64
	Damage                                          []damageNote
}

func (c *verifyCommand) Run(ctx context.Context, s streams) error {
	began := time.Now()
	if len(c.Forget) > 0 {
		if err := c.forget(ctx); err != nil {
			return err
		}
	}
	store, err := stele.Open(c.Dir, &stele.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer store.Close()
	r, err := store.Verify(ctx)
	if err != nil {
		return err
	}
	v := verifyReport{Files: r.Files, Frames: r.Frames, Blocks: r.Blocks, Events: r.Events, Documents: r.Documents, Bytes: r.Bytes,
		Seconds: time.Since(began).Seconds(), Damage: []damageNote{}}
	for _, d := range r.Damage {
		v.Damage = append(v.Damage, noteOf(d))
	}
	if err := v.print(s, c.JSON); err != nil {
		return err
	}
	if len(v.Damage) > 0 {
		return exitCode(fault.Corrupt.ExitCode())
	}
	return nil
}

func (c *verifyCommand) forget(ctx context.Context) (err error) {
	d, err := openLocal(c.Dir, changes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	for _, file := range c.Forget {
		if err := d.store.Forget(ctx, file); err != nil {
			return err
		}
	}
	return nil
}

func (v verifyReport) print(s streams, asJSON bool) error {
	if asJSON {
		out := json.NewEncoder(s.out)
		out.SetEscapeHTML(false)
		return out.Encode(v)
	}
	fmt.Fprintf(s.out, "checked %s (%s): %s, %s, %s and %s, in %.1f s\n", counted(v.Files, "file"), size(v.Bytes),
		counted(v.Frames, "frame"), counted(v.Blocks, "block"), counted(v.Events, "event"), counted(v.Documents, "document"), v.Seconds)
	if len(v.Damage) == 0 {
		fmt.Fprintln(s.out, "no damage found")
	}
	return printDamage(s.out, v.Damage)
}
