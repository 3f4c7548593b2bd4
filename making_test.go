package stele_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/testkit"
	"github.com/stelehq/stele/internal/vfs"
)

// What a restore and a repair make is marked as unfinished until all of it is there. When the mark cannot be taken away, or not for good, the error says
// which, and who does as it says has the whole store.
func TestAMarkThatCannotBeTakenAway(t *testing.T) {
	b := newBackupCase(t, 1)
	if _, err := b.w.store.Backup(ctx, backups, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.w.close(); err != nil {
		t.Fatal(err)
	}
	for dir, make := range map[string]func(fs vfs.FS) error{
		restored: func(fs vfs.FS) error {
			_, err := stele.Restore(ctx, backups, restored, &stele.RestoreOptions{FS: fs})
			return err
		},
		repaired: func(fs vfs.FS) error {
			_, err := stele.Repair(ctx, testkit.Dir, repaired, &stele.Options{FS: fs, Hooks: quickHooks()})
			return err
		},
	} {
		mark := dir + "/RESTORING"
		// opened holds what a user finds, before and after he has removed the mark.
		opened := func(disk *vfs.Mem, marked bool) error {
			for _, marked := range []bool{marked, false} {
				s, err := stele.Open(dir, &stele.Options{FS: disk, ReadOnly: true, Hooks: quickHooks()})
				if marked != (stele.KindOf(err) == stele.Invalid) {
					return fmt.Errorf("marked %t: %w", marked, err)
				}
				if marked {
					if err := disk.Remove(mark); err != nil {
						return err
					}
					continue
				}
				if err != nil {
					return err
				}
				c, err := contentOf(s)
				if err == nil {
					err = sameContent(c, b.now)
				}
				if cerr := s.Close(); err != nil || cerr != nil {
					return fmt.Errorf("%w %w", err, cerr)
				}
			}
			return nil
		}
		healthy := b.disk.CrashClone(nil, vfs.CrashKill)
		syncs := callsOf(healthy, func() {
			if err := make(healthy); err != nil {
				t.Fatal(err)
			}
		})[vfs.OpSyncDir]
		for _, c := range []struct {
			name           string
			rule           vfs.Rule
			says           string // "": no error
			marked, markAt bool   // now, and after a power cut
		}{
			{"it is not removed", vfs.Rule{Kind: vfs.OpRemove, Match: "RESTORING", Err: vfs.EIO}, "is still marked as unfinished", true, true},
			{"it is, with an error", vfs.Rule{Kind: vfs.OpRemove, Match: "RESTORING", Err: vfs.EIO, Late: true}, "", false, false},
			{"not for good", vfs.Rule{Kind: vfs.OpSyncDir, Nth: syncs, Err: vfs.EIO}, "the store can be used, but a power cut may bring the mark back", false, true},
		} {
			disk := b.disk.CrashClone(nil, vfs.CrashKill)
			faulty := vfs.NewFaulty(disk)
			faulty.Add(&c.rule)
			err := make(faulty)
			if faulty.Hits(&c.rule) != 1 {
				t.Fatalf("%s, %s: the fault was met %d times", dir, c.name, faulty.Hits(&c.rule))
			}
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "remove that file") || !strings.Contains(err.Error(), mark)) {
				t.Errorf("%s, %s: %v", dir, c.name, err)
			}
			if err := opened(disk.CrashClone(nil, vfs.CrashLose), c.markAt); err != nil {
				t.Errorf("%s, %s, and a power cut: %v", dir, c.name, err)
			}
			if err := opened(disk, c.marked); err != nil {
				t.Errorf("%s, %s: %v", dir, c.name, err)
			}
		}
	}
}
