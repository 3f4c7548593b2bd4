package server

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
)

// deleteEvents deletes events.
//
//	DELETE /api/events?filter=&signal=&fromDateUtc=&toDateUtc=&id=
//	200 {"Deleted":n} they are gone, durably; 400 a parameter is wrong, or 404 there is no such signal, and nothing was deleted
//
// fromDateUtc is inclusive, toDateUtc exclusive; what arrives later is not concerned. The filter is an expression: what is none is refused, and not searched as text. id, as often
// as needed, names single events, and stands alone. A signal without filters, which selects every event, is refused. Without any parameter every event goes; so a parameter that is empty or
// unknown is refused.
func (a *api) deleteEvents(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r.URL)
	if err != nil {
		return err
	}
	n, err := a.deleteBy(r, q)
	if err != nil {
		return whileWriting(err)
	}
	writeJSON(w, http.StatusOK, appendObject(nil, []member{{"Deleted", n}}))
	return nil
}

func (a *api) deleteBy(r *http.Request, q url.Values) (int64, error) {
	for name, values := range q {
		switch {
		case !slices.Contains([]string{"filter", "fromDateUtc", "toDateUtc", "id", "signal", "apiKey"}, name):
			return 0, badParam(clip(name, 60), "it is unknown here, and would be left out of what says which events are deleted").
				WithHint("parameters are filter, signal, fromDateUtc, toDateUtc and id")
		case (name == "filter" || name == "signal") && strings.TrimSpace(values[0]) == "", strings.HasSuffix(name, "Utc") && values[0] == "":
			return 0, badParam(name, "it is empty; leave it out if it is not to count")
		}
	}
	if ids := q["id"]; len(ids) > 0 {
		if q.Has("filter") || q.Has("signal") || q.Has("fromDateUtc") || q.Has("toDateUtc") {
			return 0, badParam("id", "it cannot be combined with a filter, a signal or a range")
		}
		keys := make([]stele.Key, len(ids))
		for i, id := range ids {
			var err error
			if keys[i], err = stele.ParseKey(id); err != nil {
				return 0, badParam("id", "%q is no event id; it is event- and 32 hex digits", clip(id, 60))
			}
		}
		return a.store.DeleteKeys(r.Context(), keys...)
	}
	rg, err := rangeParams(q)
	if err != nil {
		return 0, err
	}
	if !q.Has("filter") && !q.Has("signal") {
		return a.store.Delete(r.Context(), rg)
	}
	var f *stele.Filter
	if q.Has("filter") {
		if f, err = strictFilter(q.Get("filter")); err != nil {
			return 0, fault.WrapAs(fault.Invalid, err, "parameter filter", "nothing was deleted: it is no expression")
		}
	}
	signals, err := a.signalParam(r.Context(), q)
	switch {
	case err != nil:
		return 0, err
	case q.Has("signal") && signals == nil:
		return 0, badParam("signal", "nothing was deleted: it selects every event, for it has no filters")
	}
	if f, err = stele.And(signals, f); err != nil {
		return 0, fault.Wrap(err, "parameter signal", "nothing was deleted: it cannot be combined with the filter")
	}
	return a.store.DeleteMatching(r.Context(), rg, f)
}

func strictFilter(text string) (*stele.Filter, error) {
	if len(text) > maxFilter {
		return nil, fault.New(fault.Invalid, "", "a filter of %d bytes is too long; at most %d are allowed", len(text), maxFilter)
	}
	return stele.ParseFilter(text)
}

// deleteEvent deletes one event.
//
//	DELETE /api/events/{id}
//	204 it is gone; 400 the id is none; 404 there is none
func (a *api) deleteEvent(w http.ResponseWriter, r *http.Request) error {
	key, err := stele.ParseKey(r.PathValue("id"))
	if err != nil {
		return fault.WrapAs(fault.Invalid, err, "", "the path names no event")
	}
	n, err := a.store.DeleteKeys(r.Context(), key)
	if err != nil {
		return whileWriting(err)
	}
	if n == 0 {
		return fault.New(fault.NotFound, "", "no event has the id %s", key)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// reservedPolicies are paths below /api/retention that are no policies.
var reservedPolicies = []string{"resources", "run", "template"}

// listRetention lists the retention policies: those of the configuration, then those that are stored, by id.
//
//	GET /api/retention
//	200 [{"Id","Age","ArrivedAge","Bytes","Filter","Signal","Fixed"},…], each without what it does not say
func (a *api) listRetention(w http.ResponseWriter, r *http.Request) error {
	all, err := a.store.Retention(r.Context())
	if err != nil {
		return err
	}
	body, err := list(all, func(dst []byte, p *stele.RetentionPolicy) ([]byte, error) {
		text, err := p.MarshalJSON()
		return append(dst, text...), err
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, body)
	return nil
}

// getRetention returns one policy.
//
//	GET /api/retention/{id}
//	200 {"Id",…}; 404 there is none
func (a *api) getRetention(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	all, err := a.store.Retention(r.Context())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(p stele.RetentionPolicy) bool { return p.ID == id })
	if i < 0 {
		return fault.New(fault.NotFound, "", "there is no retention policy %q", clip(id, 200))
	}
	text, err := all[i].MarshalJSON()
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, text)
	return nil
}

// setRetention stores a policy, in the place of one with its id, and has it applied soon.
//
//	POST /api/retention {"Id":"old","Age":"30d"}
//	200 the policy as it is stored; 400 it is none; 403 the configuration has one with this id; 413 there are 1,000
func (a *api) setRetention(w http.ResponseWriter, r *http.Request) error {
	p, given, err := a.readPolicy(w, r)
	if err != nil {
		return err
	}
	switch {
	case !given:
		return fault.New(fault.Invalid, "", "the body is empty; it is a policy such as {\"Id\":\"old\",\"Age\":\"30d\"}")
	case slices.Contains(reservedPolicies, p.ID):
		return fault.New(fault.Invalid, "", "the id %q is reserved; choose another", p.ID)
	}
	if err := a.store.SetRetention(r.Context(), p); err != nil {
		return whileWriting(err)
	}
	text, err := p.MarshalJSON()
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, text)
	return nil
}

// maxPolicy bounds the body that brings a policy.
const maxPolicy = 2 * maxFilter

func (a *api) readPolicy(w http.ResponseWriter, r *http.Request) (p stele.RetentionPolicy, given bool, err error) {
	body, release, err := a.readBody(w, r, maxPolicy)
	defer release()
	if err != nil || len(strings.TrimSpace(string(body))) == 0 {
		return p, false, err
	}
	if !json.Valid(body) {
		return p, false, fault.New(fault.Invalid, "", "the body is not JSON")
	}
	return p, true, p.UnmarshalJSON(body)
}

// deleteRetention removes a policy.
//
//	DELETE /api/retention/{id}
//	204 removed; 403 the configuration has it; 404 there is none
func (a *api) deleteRetention(w http.ResponseWriter, r *http.Request) error {
	if err := a.store.RemoveRetention(r.Context(), r.PathValue("id")); err != nil {
		return whileWriting(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// runRetention applies policies now: those in force, or the one in the body, which is not stored.
//
//	POST /api/retention/run
//	200 [{"Id","Events"},…] how many events each has deleted; 400 the body is no policy
func (a *api) runRetention(w http.ResponseWriter, r *http.Request) error {
	p, given, err := a.readPolicy(w, r)
	if err != nil {
		return err
	}
	var policies []stele.RetentionPolicy
	if given {
		policies = append(policies, p)
	}
	done, err := a.store.Retain(r.Context(), policies...)
	if err != nil {
		return whileWriting(err)
	}
	body, err := list(done, func(dst []byte, d *stele.Retained) ([]byte, error) {
		return appendObject(dst, []member{{"Id", d.ID}, {"Events", d.Events}}), nil
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, body)
	return nil
}
