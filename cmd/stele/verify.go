package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
)

// verifyCommand checks a store.
type verifyCommand struct {
	Dir  string `arg:"" help:"The store's directory; no server may have it open."`
	JSON bool   `name:"json" help:"One JSON object."`
}

func (verifyCommand) Help() string {
	return `Reads every byte that the store consists of and checks it. Nothing is changed. Exit code 13 says that data is damaged;
the report says which file, where, what was expected and found, and what is lost.

    stele verify ./data`
}

// verifyReport is what --json prints.
type verifyReport struct {
	Files, Frames, Blocks, Events, Documents, Bytes int64
	Seconds                                         float64
	Damage                                          []damageNote
}

func (c *verifyCommand) Run(ctx context.Context, s streams) error {
	began := time.Now()
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
		v.Damage = append(v.Damage, damageNote{File: d.File, Offset: d.Offset, What: d.What, Error: explain(d.Err)})
	}
	if err := v.print(s, c.JSON); err != nil {
		return err
	}
	if len(v.Damage) > 0 {
		return exitCode(fault.Corrupt.ExitCode())
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
