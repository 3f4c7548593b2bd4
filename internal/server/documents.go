package server

import (
	"errors"
	"net/http"
	"strings"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// Documents under /api/documents, and in the source sample's form under /api/data (R22). Both are the users' own
// space; the server's documents are in others.

// users returns the users' documents.
func (a *api) users() *stele.Documents { return a.store.Documents("") }

// listDocuments lists documents by key.
//
//	GET /api/documents?prefix=
//	200 [{"Key","Bytes","Changed"},…]
func (a *api) listDocuments(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r.URL)
	if err != nil {
		return err
	}
	infos, err := a.users().List(r.Context(), q.Get("prefix"))
	if err != nil {
		return err
	}
	list := newArray(w)
	for _, d := range infos {
		list.next()
		list.buf = append(list.buf, '{')
		list.buf = appendMembers(list.buf, []member{{"Key", d.Key}, {"Bytes", d.Bytes}, {"Changed", d.Changed}})
		list.buf = append(list.buf, '}')
		if list.flush(bufferList) != nil {
			return nil
		}
	}
	return list.end(nil)
}

// getDocument returns a document, byte for byte as it was set.
//
//	GET /api/documents/{key}
//	GET /api/data/{key}
//	200 the JSON value; 404 there is none
//
// The key is percent-encoded in the path; slashes may stand as they are.
func (a *api) getDocument(w http.ResponseWriter, r *http.Request) error {
	if key := r.PathValue("key"); key == "resources" {
		return resources(strings.Split(r.URL.Path, "/")[2])(a, w, r)
	}
	key, err := documentKey(r)
	if err != nil {
		return err
	}
	value, err := a.users().Get(r.Context(), key)
	if err != nil {
		return documentError(err, key)
	}
	w.Header().Set("Cache-Control", "no-cache")
	writeJSON(w, http.StatusOK, value)
	return nil
}

// setDocument stores a JSON value under a key.
//
//	PUT /api/documents/{key}, POST /api/documents/{key}
//	PUT /api/data/{key}, POST /api/data/{key}
//	200 stored: {"Key","Bytes"}; 400 the body is not JSON, or the key is reserved; 413 the body is over the limit
func (a *api) setDocument(w http.ResponseWriter, r *http.Request) error {
	key, err := documentKey(r)
	if err != nil {
		return err
	}
	body, release, err := a.readBody(w, r, a.o.DocumentBytes)
	defer release()
	if err != nil {
		return err
	}
	if err := a.users().Set(r.Context(), key, body); err != nil {
		return whileWriting(err)
	}
	answer := appendMembers([]byte{'{'}, []member{{"Key", key}, {"Bytes", len(body)}})
	writeJSON(w, http.StatusOK, append(answer, '}'))
	return nil
}

// deleteDocument removes a document.
//
//	DELETE /api/documents/{key}
//	DELETE /api/data/{key}
//	204 removed; 404 there is none
func (a *api) deleteDocument(w http.ResponseWriter, r *http.Request) error {
	key, err := documentKey(r)
	if err != nil {
		return err
	}
	if err := a.users().Delete(r.Context(), key); err != nil {
		return whileWriting(documentError(err, key))
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// listData returns every document in one object, as the source sample does.
//
//	GET /api/data?prefix=
//	200 {"key":value,…}; with q it is a query
func (a *api) listData(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r.URL)
	if err != nil {
		return err
	}
	if q.Has("q") {
		return a.queryData(w, r)
	}
	documents := a.users()
	infos, err := documents.List(r.Context(), q.Get("prefix"))
	if err != nil {
		return err
	}
	list := newObject(w)
	for _, d := range infos {
		value, err := documents.Get(r.Context(), d.Key)
		if errors.Is(err, fault.NotFound) {
			continue // deleted while the list was read
		}
		if err != nil {
			return list.end(err)
		}
		list.next()
		list.buf = append(event.AppendText(list.buf, d.Key), ':')
		list.buf = append(list.buf, value...)
		if list.flush(bufferList) != nil {
			return nil
		}
	}
	return list.end(nil)
}

// documentKey reads the key of the path.
func documentKey(r *http.Request) (string, error) {
	switch key := r.PathValue("key"); key {
	case "":
		return "", fault.New(fault.Invalid, "", "the path names no document; it is /api/documents/{key}")
	case "resources", "template":
		return "", fault.New(fault.Invalid, "", "the key %q is reserved; choose another", key)
	default:
		return key, nil
	}
}

func documentError(err error, key string) error {
	if errors.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "", "there is no document %q", clip(key, 200))
	}
	return err
}
