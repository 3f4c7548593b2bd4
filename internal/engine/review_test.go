package engine

import (
	"sync"
	"testing"
	"time"
)

// A call that leaves between two looks of shut must not leave it waiting.
func TestGateShutSeesTheLastCallLeave(t *testing.T) {
	for range 20_000 {
		g := newGate()
		if err := g.enter(); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		var start sync.WaitGroup
		start.Add(1)
		go func() {
			start.Wait()
			g.leave()
		}()
		go func() {
			start.Wait()
			g.shut()
			close(done)
		}()
		start.Done()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatal("nobody is inside, and shut waits")
		}
	}
}
