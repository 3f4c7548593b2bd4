package server

import "net/http"

// ingestGELF takes in messages of GELF, as Graylog's HTTP input does.
//
//	POST /gelf
//	202 durable; 400 a message is no JSON object: nothing is stored; 413 the body is over the limit; 503 try again
//
// The body is a message, or several with newlines, NUL or nothing between them. It may be gzip or deflate.
func (a *api) ingestGELF(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.ingest(w, r, gelfFormat, false); err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}
