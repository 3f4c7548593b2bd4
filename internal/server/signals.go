package server

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
)

// Signals, saved filters, in Seq's shape.

// maxSignal bounds the body that brings a signal: what a signal may have, and JSON's escapes.
const maxSignal = 512 << 10

// appendSignal appends a signal with its links.
func appendSignal(dst []byte, g *stele.Signal) ([]byte, error) {
	text, err := g.MarshalJSON()
	if err != nil {
		return nil, err
	}
	links := []member{{"Self", "api/signals/" + g.ID}, {"Group", "api/signals/resources"}}
	if g.ID == "" {
		links = []member{{"Create", "api/signals"}, {"Group", "api/signals/resources"}}
	}
	dst = append(append(dst, text[:len(text)-1]...), `,"Links":`...)
	return append(appendObject(dst, links), '}'), nil
}

func writeSignal(w http.ResponseWriter, status int, g *stele.Signal) error {
	body, err := appendSignal(nil, g)
	if err != nil {
		return err
	}
	writeJSON(w, status, body)
	return nil
}

// listSignals lists signals in the order in which they were made.
//
//	GET /api/signals?ownerId=&shared=&partial=
//	200 [{"Id","Title",…},…]
//
// Those of an owner, or with shared=false all that have one, alone; by default all. partial, which Seq's clients give, leaves nothing out here.
func (a *api) listSignals(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r.URL)
	if err != nil {
		return err
	}
	owner, shared := q.Get("ownerId"), !q.Has("ownerId")
	if q.Has("shared") {
		if shared, err = boolParam(q, "shared"); err != nil {
			return err
		}
	}
	all, err := a.store.Signals(r.Context())
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(g stele.Signal) bool {
		if g.OwnerID == "" {
			return !shared
		}
		return owner != "" && owner != g.OwnerID
	})
	body, err := list(all, appendSignal)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, body)
	return nil
}

// getSignal returns one signal.
//
//	GET /api/signals/{id}
//	200 {"Id","Title","Description","Filters":[{"Description","DescriptionIsExcluded","Filter","FilterNonStrict"},…],"Columns":[{"Expression"},…],
//	"IsProtected","IsIndexSuppressed","Grouping","ExplicitGroupName","OwnerId","Links"}; 404 there is none
func (a *api) getSignal(w http.ResponseWriter, r *http.Request) error {
	g, err := a.store.Signal(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeSignal(w, http.StatusOK, &g)
}

// signalTemplate returns what a new signal begins with.
//
//	GET /api/signals/template
//	200 a signal without an id
func (a *api) signalTemplate(w http.ResponseWriter, r *http.Request) error {
	return writeSignal(w, http.StatusOK, &stele.Signal{Title: "New Signal", Grouping: "Inferred"})
}

// createSignal stores a new signal.
//
//	POST /api/signals {"Title":"Errors","Filters":[{"Filter":"@Level = 'Error'"}]}
//	201 the signal with its id; 400 it is none, or a filter is no expression: the error has the place and what was probably meant; 413 it is too large, or there are 1,000
func (a *api) createSignal(w http.ResponseWriter, r *http.Request) error {
	g, err := a.readSignal(w, r)
	if err != nil {
		return err
	}
	if g, err = a.store.CreateSignal(r.Context(), g); err != nil {
		return whileWriting(err)
	}
	return writeSignal(w, http.StatusCreated, &g)
}

// updateSignal changes a signal.
//
//	PUT /api/signals/{id}
//	200 the signal as it is now; 400, 413 as for a new one; 404 there is none
func (a *api) updateSignal(w http.ResponseWriter, r *http.Request) error {
	g, err := a.readSignal(w, r)
	if err != nil {
		return err
	}
	g.ID = r.PathValue("id")
	if g, err = a.store.UpdateSignal(r.Context(), g); err != nil {
		return whileWriting(err)
	}
	return writeSignal(w, http.StatusOK, &g)
}

func (a *api) readSignal(w http.ResponseWriter, r *http.Request) (g stele.Signal, err error) {
	body, release, err := a.readBody(w, r, maxSignal)
	defer release()
	if err != nil {
		return g, err
	}
	if !json.Valid(body) {
		return g, fault.New(fault.Invalid, "", "the body is not JSON")
	}
	return g, g.UnmarshalJSON(body)
}

// deleteSignal removes a signal.
//
//	DELETE /api/signals/{id}
//	204 removed; 403 a retention policy uses it; 404 there is none
func (a *api) deleteSignal(w http.ResponseWriter, r *http.Request) error {
	if err := a.store.DeleteSignal(r.Context(), r.PathValue("id")); err != nil {
		return whileWriting(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
