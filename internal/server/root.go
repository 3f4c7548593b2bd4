package server

import (
	"net/http"

	"github.com/stelehq/stele/internal/fault"
)

// groups are the resources that clients discover. Links are relative, without a leading slash, so that a base path
// before a proxy holds; a template names every parameter that any client may give.
var groups = []struct {
	name, path string
	links      []member
}{
	{"Events", "events", []member{
		{"Item", "api/events/{id}{?render,clef,permalinkId}"},
		{"Items", "api/events{?filter,count,afterId,startAtId,fromDateUtc,toDateUtc,render,clef,signal,shortCircuitAfter,permalinkId,background,trace}"},
		{"Histogram", "api/events/histogram{?filter,fromDateUtc,toDateUtc,buckets,signal}"},
		{"ServerSentEvents", "api/events/stream{?filter,clef,render,lastEventId,signal}"},
		{"Raw", "api/events/raw{?clef,partial}"},
		{"DeleteInSignal", "api/events{?filter,signal,fromDateUtc,toDateUtc}"},
	}},
	{"Signals", "signals", []member{
		{"Item", "api/signals/{id}{?partial}"},
		{"Items", "api/signals{?ownerId,shared,partial}"},
		{"Template", "api/signals/template"},
	}},
	{"Expressions", "expressions", []member{
		{"ToStrict", "api/expressions/to-strict{?fuzzy}"},
	}},
	{"Documents", "documents", []member{
		{"Item", "api/documents/{key}"},
		{"Items", "api/documents{?prefix}"},
	}},
	{"Data", "data", []member{
		{"Item", "api/data/{key}"},
		{"Items", "api/data{?prefix}"},
		{"Query", "api/data{?q,rangeStartUtc,rangeEndUtc,signal,timeoutMS,trace,format}"},
	}},
	{"Retention", "retention", []member{
		{"Item", "api/retention/{id}"},
		{"Items", "api/retention"},
		{"Run", "api/retention/run"},
	}},
	{"Refused", "refused", []member{
		{"Item", "api/refused/{id}"},
		{"Items", "api/refused"},
		{"Retry", "api/refused/{id}/retry"},
	}},
}

// root is where clients begin.
//
//	GET /api
//	200 {"Product","Version","InstanceName","Links":{"<Group>Resources":"api/<group>/resources",…}}
func (a *api) root(w http.ResponseWriter, r *http.Request) error {
	var name any
	if a.o.Instance != "" {
		name = a.o.Instance
	}
	body := appendMembers([]byte{'{'}, []member{{"Product", "Stele"}, {"Version", a.o.Version}, {"InstanceName", name}})
	links := make([]member, len(groups))
	for i, g := range groups {
		links[i] = member{g.name + "Resources", "api/" + g.path + "/resources"}
	}
	links = append(links, member{"Store", "api/store"})
	writeJSON(w, http.StatusOK, append(appendMembers(append(body, `,"Links":{`...), links), "}}"...))
	return nil
}

// resources gives a group's links.
//
//	GET /api/<group>/resources
//	200 {"Links":{"Item":"api/…/{id}",…}}
func resources(path string) handler {
	return func(a *api, w http.ResponseWriter, r *http.Request) error {
		for _, g := range groups {
			if g.path == path {
				writeJSON(w, http.StatusOK, append(appendMembers([]byte(`{"Links":{`), g.links), "}}"...))
				return nil
			}
		}
		return fault.New(fault.NotFound, "", "there is no group %q", clip(path, 60))
	}
}

// storeStatistics says what the store holds.
//
//	GET /api/store
//	200 {"StoreId","Events","Segments",…,"Damage":[{"File","Offset","What","Error","Rows","Oldest","Newest","Kept"},…]}
//
// Oldest and Newest are null in an empty store; LastArrival is text, for it may pass 2^53; durations are in milliseconds.
func (a *api) storeStatistics(w http.ResponseWriter, r *http.Request) error {
	writeJSON(w, http.StatusOK, a.store.Stats().AppendJSON(nil))
	return nil
}

// forgetDamage lets go of what is damaged in a file of the store, named by the last part of what Damage has as File.
//
//	DELETE /api/store/damage/{file}
//	204 what is sound of it has another place, the file is gone, and what is lost is lost for good; 404 nothing is known to be damaged in such a file;
//	503 readers that have begun still need it, or the disk fails
func (a *api) forgetDamage(w http.ResponseWriter, r *http.Request) error {
	if err := a.store.Forget(r.Context(), r.PathValue("file")); err != nil {
		return whileWriting(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
