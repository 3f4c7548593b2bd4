package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
)

// inspectCommand shows what is inside the files of a store.
type inspectCommand struct {
	Path    []string `arg:"" help:"Files of a store, or its directory."`
	Columns bool     `short:"c" help:"The shapes, columns and sections of each block too."`
	JSON    bool     `name:"json" help:"One JSON object for each path."`
}

func (inspectCommand) Help() string {
	return `Shows frames, blocks, edits and documents with their places in the file. It takes no lock and changes nothing. What is damaged is shown as far
as it can be read, and the exit code is then 13.

    stele inspect data                                    every file of a store
    stele inspect data/segment-0000000000000004.seg -c    the columns of each block`
}

func (c *inspectCommand) Run(s streams) error {
	out := bufio.NewWriter(s.out)
	damaged := false
	for _, path := range c.Path {
		p, err := stele.Inspect(path, stele.InspectOptions{Columns: c.Columns})
		if err != nil {
			_ = out.Flush()
			return err
		}
		damaged = damaged || p.IsDamaged()
		if c.JSON {
			text, err := json.Marshal(p)
			if err != nil {
				return fault.WrapAs(fault.Internal, err, "", "the description cannot be written")
			}
			fmt.Fprintf(out, "%s\n", text)
			continue
		}
		printInspection(out, p, "")
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if damaged {
		return exitCode(fault.Corrupt.ExitCode())
	}
	return nil
}

func printInspection(out *bufio.Writer, p *stele.Inspection, indent string) {
	head := p.Kind
	if p.Name != "" {
		head += " " + visible(p.Name)
	}
	var facts []string
	if p.Offset > 0 || p.Offset == 0 && indent != "" && p.Bytes > 0 && p.Kind != "column" {
		facts = append(facts, fmt.Sprintf("at %d", p.Offset))
	}
	if p.Bytes > 0 {
		facts = append(facts, fmt.Sprintf("%d bytes", p.Bytes))
	}
	for _, f := range p.Facts {
		facts = append(facts, fmt.Sprintf("%s %s", f.Name, visible(fmt.Sprint(f.Value))))
	}
	fmt.Fprintf(out, "%s%s: %s\n", indent, head, strings.Join(facts, ", "))
	if p.Damage != "" {
		fmt.Fprintf(out, "%s  DAMAGED: %s\n", indent, visible(p.Damage))
	}
	for _, inner := range p.Parts {
		printInspection(out, inner, indent+"  ")
	}
}

// visible keeps what a file says from speaking to the terminal.
func visible(text string) string { return string((&printer{}).appendPart(nil, plain, text)) }
