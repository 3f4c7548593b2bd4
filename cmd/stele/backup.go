package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
)

// backupCommand makes backups, lists them and checks them.
type backupCommand struct {
	Dest   string `arg:"" name:"DEST" help:"The directory of backups; made if absent."`
	Keep   int    `placeholder:"N" help:"Remove all but the newest N backups of the store when the new one is made."`
	List   bool   `xor:"do" help:"List the backups in DEST, and make none."`
	Verify bool   `xor:"do" help:"Check every byte of the backups in DEST, and make none."`
	JSON   bool   `name:"json" help:"One JSON object; a list has one a line."`
	target `embed:""`
}

func (backupCommand) Help() string {
	return `Copies what the store holds at this moment into DEST, while the server runs; from a server elsewhere too. The backups in DEST share files, so
that only what is new is copied. Exit code 13 says that something of the store, or of DEST, is damaged.

    stele backup /mnt/backups                        from the server at --url
    stele backup /mnt/backups --datapath ./data      from a directory that no server has open
    stele backup /mnt/backups --keep 30
    stele backup /mnt/backups --list
    stele backup /mnt/backups --verify
    stele restore /mnt/backups ./restored`
}

// backupNote is a backup as --json prints it.
type backupNote struct {
	Name      string
	StoreID   string     `json:"StoreId,omitempty"`
	Taken     *time.Time `json:",omitempty"`
	Events    int64
	Documents int64
	Files     int
	Bytes     int64
	Added     int64
	Removed   int          `json:",omitempty"`
	Damage    []damageNote `json:",omitempty"`
	Error     string       `json:",omitempty"`
}

func noteOfBackup(b stele.Backup) backupNote {
	n := backupNote{Name: b.Name, StoreID: b.StoreID, Taken: timeOrNil(b.Taken), Events: b.Events, Documents: b.Documents, Files: b.Files, Bytes: b.Bytes, Added: b.Added, Removed: b.Removed}
	for _, d := range b.Damage {
		n.Damage = append(n.Damage, noteOf(d))
	}
	if b.Err != nil {
		n.Error = explain(b.Err)
	}
	return n
}

func (c *backupCommand) Run(ctx context.Context, s streams) error {
	switch {
	case c.Keep < 0:
		return fault.New(fault.Invalid, "", "--keep %d: at least 1 backup is kept", c.Keep)
	case c.List:
		return c.list(s)
	case c.Verify:
		return c.verify(ctx, s)
	}
	return c.make(ctx, s)
}

func (c *backupCommand) make(ctx context.Context, s streams) error {
	began := time.Now()
	d, err := c.open(reads)
	if err != nil {
		return err
	}
	defer d.close()
	source, end, err := d.backup(ctx)
	if err != nil {
		return err
	}
	defer end()
	made, err := stele.MakeBackup(ctx, source, c.Dest, &stele.BackupOptions{Keep: c.Keep})
	if made == nil {
		return err
	}
	n := noteOfBackup(*made)
	if c.JSON {
		if err := printJSON(s.out, n); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(s.out, "%s: %s and %s in %s (%s); %s new, in %.1f s\n", n.Name, counted(n.Events, "event"), counted(n.Documents, "document"),
			counted(int64(n.Files), "file"), size(n.Bytes), size(n.Added), time.Since(began).Seconds())
		if n.Removed > 0 {
			fmt.Fprintf(s.out, "removed %s\n", counted(int64(n.Removed), "older backup"))
		}
		if len(n.Damage) > 0 {
			fmt.Fprintln(s.out, "the store is damaged; the backup has what is sound, and no older one is removed")
		}
		if err := printDamage(s.out, n.Damage); err != nil {
			return err
		}
	}
	if err == nil && len(n.Damage) > 0 {
		err = exitCode(fault.Corrupt.ExitCode())
	}
	return err
}

func printJSON(w io.Writer, v any) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return out.Encode(v)
}

func (c *backupCommand) list(s streams) error {
	all, err := stele.Backups(c.Dest, nil)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	code := exitCode(0)
	for _, b := range all {
		n := noteOfBackup(b)
		if n.Error != "" {
			code = exitCode(fault.Corrupt.ExitCode())
		}
		if c.JSON {
			if err := printJSON(s.out, n); err != nil {
				return err
			}
			continue
		}
		if n.Error != "" {
			fmt.Fprintf(t, "%s\t%s\n", n.Name, n.Error)
			continue
		}
		damage := ""
		if len(n.Damage) > 0 {
			damage = "of a damaged store"
		}
		fmt.Fprintf(t, "%s\t%s\tstore %s\t%s\t%s\t%s, %s new\t%s\n", n.Name, n.Taken.Format("2006-01-02 15:04:05Z"), n.StoreID[:8], counted(n.Events, "event"), counted(n.Documents, "document"),
			size(n.Bytes), size(n.Added), damage)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(all) == 0 && !c.JSON {
		fmt.Fprintln(s.out, "there are no backups")
	}
	if code != 0 {
		return code
	}
	return nil
}

// backupsReport is what --verify --json prints.
type backupsReport struct {
	Backups, Files, Bytes int64
	Seconds               float64
	Damage                []badBackup
}

type badBackup struct {
	Backups []string // that need it
	Error   string
}

func (c *backupCommand) verify(ctx context.Context, s streams) error {
	began := time.Now()
	found, err := stele.VerifyBackups(ctx, c.Dest, nil)
	if err != nil {
		return err
	}
	r := backupsReport{Backups: found.Backups, Files: found.Files, Bytes: found.Bytes, Seconds: time.Since(began).Seconds(), Damage: []badBackup{}}
	for _, b := range found.Bad {
		r.Damage = append(r.Damage, badBackup{b.Backups, explain(b.Err)})
	}
	if c.JSON {
		if err := printJSON(s.out, r); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(s.out, "checked %s: %s (%s), in %.1f s\n", counted(r.Backups, "backup"), counted(r.Files, "file"), size(r.Bytes), r.Seconds)
		for _, b := range r.Damage {
			fmt.Fprintf(s.out, "damaged: %s\n  needed by %s\n", b.Error, strings.Join(b.Backups, ", "))
		}
		if len(r.Damage) == 0 {
			fmt.Fprintln(s.out, "no damage found")
		} else {
			fmt.Fprintln(s.out, "remove a damaged file, and the next backup copies it again if the store still has it")
		}
	}
	if len(r.Damage) > 0 {
		return exitCode(fault.Corrupt.ExitCode())
	}
	return nil
}

// restoreCommand makes a store of a backup.
type restoreCommand struct {
	From    string `arg:"" name:"FROM" help:"The directory of backups."`
	Dir     string `arg:"" name:"DIR" help:"The new store's directory: absent, or empty."`
	Backup  string `placeholder:"NAME" help:"Which backup, as --list shows it; the newest if not given."`
	Salvage bool   `help:"Restore what is sound of a damaged backup, which is refused otherwise."`
	JSON    bool   `name:"json" help:"One JSON object."`
}

func (restoreCommand) Help() string {
	return `Makes a store in DIR of a backup in FROM, with the same events under the same keys and the same documents. It is a store of its own: the one
that was backed up may live on. Exit code 13 says that something is lost: in the store before the backup was made, or in the backup since.

    stele restore /mnt/backups ./restored
    stele restore /mnt/backups ./restored --backup backup-0000000000000007
    stele serve --datapath ./restored`
}

// restoreNote is what --json prints.
type restoreNote struct {
	Backup            string
	StoreID           string `json:"StoreId"`
	Events, Documents int64
	Segments, Bytes   int64
	Seconds           float64
	Damage            []damageNote
}

func (c *restoreCommand) Run(ctx context.Context, s streams) error {
	began := time.Now()
	done, err := stele.Restore(ctx, c.From, c.Dir, &stele.RestoreOptions{Backup: c.Backup, Salvage: c.Salvage})
	if done == nil {
		return err
	}
	n := restoreNote{Backup: done.Backup, StoreID: done.StoreID, Events: done.Events, Documents: done.Documents, Segments: done.Segments, Bytes: done.Bytes,
		Seconds: time.Since(began).Seconds(), Damage: []damageNote{}}
	for _, d := range done.Damage {
		n.Damage = append(n.Damage, noteOf(d))
	}
	if c.JSON {
		if err := printJSON(s.out, n); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(s.out, "restored %s to %s: %s and %s (%s), in %.1f s\n", n.Backup, c.Dir, counted(n.Events, "event"), counted(n.Documents, "document"), size(n.Bytes), n.Seconds)
		fmt.Fprintf(s.out, "it is the new store %s\n", n.StoreID)
		if err := printDamage(s.out, n.Damage); err != nil {
			return err
		}
	}
	if err == nil && len(n.Damage) > 0 {
		err = exitCode(fault.Corrupt.ExitCode())
	}
	return err
}

func (l *local) backup(ctx context.Context) (stele.BackupSource, func(), error) {
	v, err := l.store.BackupView(ctx)
	if err != nil {
		return nil, nil, err
	}
	return v, func() { _ = v.Close() }, nil // never fails
}

// backup has the server pin a snapshot until end is called.
func (r *remote) backup(ctx context.Context) (stele.BackupSource, func(), error) {
	resp, err := r.do(ctx, http.MethodPost, "api/backups", nil, nil)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	b := &remoteBackup{r: r, path: strings.TrimPrefix(resp.Header.Get("Location"), "/")}
	end := func() {
		// Also of a command that was interrupted. Without it the server lets go by itself after a while.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = r.call(ctx, http.MethodDelete, b.path)
	}
	if b.plan, err = io.ReadAll(io.LimitReader(resp.Body, mostPlan)); err != nil {
		end()
		return nil, nil, fault.WrapAs(fault.Unavailable, err, "", "the server's answer was cut short")
	}
	return b, end, nil
}

// mostPlan is the longest plan that is read.
const mostPlan = 1 << 30

// remoteBackup reads a snapshot that a server has pinned.
type remoteBackup struct {
	r    *remote
	path string
	plan []byte
}

func (b *remoteBackup) Plan(context.Context) ([]byte, error) { return b.plan, nil }

// ReadAt asks for a piece, and again for a while when the server is short of memory or the connection breaks.
func (b *remoteBackup) ReadAt(ctx context.Context, file string, p []byte, offset int64) (n int, err error) {
	for pause := 100 * time.Millisecond; ; pause *= 2 {
		if n, err = b.piece(ctx, file, p, offset); fault.KindOf(err) != fault.Unavailable || pause > 10*time.Second {
			return n, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return 0, fault.WrapAs(fault.Canceled, ctx.Err(), "", "interrupted")
		}
	}
}

func (b *remoteBackup) piece(ctx context.Context, file string, p []byte, offset int64) (int, error) {
	resp, err := b.r.do(ctx, http.MethodGet, b.path+"/"+file, url.Values{"offset": {itoa(offset)}, "length": {itoa(int64(len(p)))}}, nil)
	if fault.KindOf(err) == fault.Internal {
		return 0, fault.WrapAs(fault.IO, err, "", "%s cannot be read at byte %d", file, offset) // 500: of this piece alone
	}
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	piece, err := io.ReadAll(io.LimitReader(resp.Body, int64(len(p)))) // its error tells an end that was announced from a body that is cut short
	if err != nil {
		if ctx.Err() != nil {
			return 0, fault.WrapAs(fault.Canceled, ctx.Err(), "", "interrupted")
		}
		return 0, fault.WrapAs(fault.Unavailable, err, "", "the server's answer was cut short")
	}
	return copy(p, piece), nil
}
