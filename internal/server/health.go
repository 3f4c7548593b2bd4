package server

import (
	"net/http"
)

// health says whether requests are served. It needs no store.
//
//	GET /health
//	200 {"status":"The Stele node is in service."}; 503 it is starting or shutting down, with a status that says so
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		(&resource{server: s, routes: []*route{{method: http.MethodGet}}}).ServeHTTP(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	switch s.gate.now() {
	case serving:
		writeJSON(w, http.StatusOK, []byte(`{"status":"The Stele node is in service."}`))
	case starting:
		w.Header().Set("Retry-After", retryAfter)
		writeJSON(w, http.StatusServiceUnavailable, []byte(`{"status":"The Stele node is starting."}`))
	case draining:
		w.Header().Set("Retry-After", retryAfter)
		writeJSON(w, http.StatusServiceUnavailable, []byte(`{"status":"The Stele node is shutting down."}`))
	}
}

// healthCluster says how the one node does, in the form of a cluster's health.
//
//	GET /health/cluster
//	200 {"Status":"Healthy"|"Degraded","Description"}
func (a *api) healthCluster(w http.ResponseWriter, r *http.Request) error {
	status, description := "Healthy", "The Stele node is in service."
	if damage := a.store.Stats().Damage; len(damage) > 0 {
		status, description = "Degraded", "Damage was found in "+damage[0].File+": "+damage[0].What
		if len(damage) > 1 {
			description += ", and more; see /api/store"
		}
	}
	body := appendMembers([]byte{'{'}, []member{{"Status", status}, {"Description", cleanText(description)}})
	writeJSON(w, http.StatusOK, append(body, '}'))
	return nil
}
