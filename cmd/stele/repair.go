package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
)

// repairCommand makes a clean store of a damaged one.
type repairCommand struct {
	Dir  string `arg:"" help:"The store's directory; no server may have it open."`
	Dest string `arg:"" help:"A new directory."`
	JSON bool   `name:"json" help:"One JSON object."`
}

func (repairCommand) Help() string {
	return `Writes what is sound of a store into a new one: the same events under the same keys, the same documents. The old one is only read. Exit code 13 says that
something is lost; the report says what, as stele verify does.

    stele repair ./data ./repaired`
}

// repairReport is what --json prints.
type repairReport struct {
	StoreID                            string `json:"StoreId"`
	Events, Documents, Segments, Bytes int64
	Damage                             []damageNote
}

func (c *repairCommand) Run(ctx context.Context, s streams) error {
	r, err := stele.Repair(ctx, c.Dir, c.Dest, nil)
	if r == nil {
		return err
	}
	v := repairReport{StoreID: r.StoreID, Events: r.Events, Documents: r.Documents, Segments: r.Segments, Bytes: r.Bytes, Damage: []damageNote{}}
	for _, d := range r.Damage {
		v.Damage = append(v.Damage, noteOf(d))
	}
	if err := v.print(s, c); err != nil {
		return err
	}
	if err == nil && len(v.Damage) > 0 {
		err = exitCode(fault.Corrupt.ExitCode())
	}
	return err
}

func (v repairReport) print(s streams, c *repairCommand) error {
	if c.JSON {
		out := json.NewEncoder(s.out)
		out.SetEscapeHTML(false)
		return out.Encode(v)
	}
	fmt.Fprintf(s.out, "%s has %s in %s (%s) and %s, as store %s\n", c.Dest, counted(v.Events, "event"), counted(v.Segments, "segment"), size(v.Bytes),
		counted(v.Documents, "document"), v.StoreID)
	if len(v.Damage) == 0 {
		fmt.Fprintln(s.out, "nothing is lost")
	}
	return printDamage(s.out, v.Damage)
}
