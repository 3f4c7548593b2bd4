package server

import (
	"errors"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/stelehq/stele/internal/fault"
)

// Listen opens the sockets of addresses such as http://localhost:5341 (both loopback
// addresses), http://*:5341 (every interface) and http://10.0.0.1:80. Port 0 takes a free one.
// On an error nothing is left open.
func Listen(urls []string) ([]net.Listener, error) {
	return listen("--urls", urls, map[string]string{"http": "80"})
}

// ListenOTLP is Listen for addresses of OpenTelemetry, such as grpc://localhost:4317 and http://localhost:4318. Either
// kind takes gRPC and HTTP; the scheme says what clients are meant to speak.
func ListenOTLP(urls []string) ([]net.Listener, error) {
	return listen("--otlp-urls", urls, map[string]string{"http": "4318", "grpc": "4317"})
}

// listen opens the sockets of addresses that a setting gives. The schemes allowed have their default ports.
func listen(setting string, urls []string, schemes map[string]string) (_ []net.Listener, err error) {
	var all []net.Listener
	defer func() {
		if err != nil {
			for _, l := range all {
				l.Close()
			}
		}
	}()
	for _, u := range urls {
		hosts, port, err := listenAddresses(u, schemes)
		if err != nil {
			return nil, err
		}
		for i, host := range hosts {
			l, err := net.Listen("tcp", net.JoinHostPort(host, port))
			if err != nil && i > 0 && !errors.Is(err, errAddressInUse) {
				continue // a machine without IPv6 has no second loopback address
			}
			if err != nil {
				e := fault.WrapAs(fault.Unavailable, err, "listen", "%s cannot be served", u)
				if errors.Is(err, errAddressInUse) {
					e = e.WithHint("another program listens there; choose another address with %s", setting)
				}
				return nil, e
			}
			all = append(all, l)
			if port == "0" { // the other loopback address gets the same port
				_, port, _ = net.SplitHostPort(l.Addr().String())
			}
		}
	}
	return all, nil
}

// listenAddresses returns the hosts and the port that a URL stands for.
func listenAddresses(text string, schemes map[string]string) (hosts []string, port string, err error) {
	const op = "read address"
	u, err := url.Parse(strings.Replace(text, "://*", "://0.0.0.0", 1))
	if err != nil {
		return nil, "", fault.WrapAs(fault.Invalid, err, op, "%q is no URL", text)
	}
	switch {
	case u.Scheme == "https" || u.Scheme == "grpcs": // gRPC over TLS is HTTPS
		return nil, "", fault.New(fault.Unsupported, op, "%q: HTTPS is not served", text).WithHint("put a reverse proxy before Stele")
	case schemes[u.Scheme] == "" || u.Host == "":
		return nil, "", fault.New(fault.Invalid, op, "%q is not of the form %s://HOST:PORT", text, strings.Join(slices.Sorted(maps.Keys(schemes)), ":// or "))
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.User != nil:
		return nil, "", fault.New(fault.Invalid, op, "%q: only scheme, host and port are allowed", text)
	}
	if port = u.Port(); port == "" {
		port = schemes[u.Scheme]
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return nil, "", fault.New(fault.Invalid, op, "%q: a port is a number up to 65535", text)
	}
	switch host := u.Hostname(); host {
	case "localhost":
		return []string{"127.0.0.1", "::1"}, port, nil
	case "0.0.0.0", "+":
		return []string{""}, port, nil
	default:
		return []string{host}, port, nil
	}
}

// Addresses returns the URLs served, with the ports that were taken for port 0.
func Addresses(urls []string, listeners []net.Listener) []string {
	shown := make([]string, len(urls))
	next := 0
	for i, u := range urls {
		shown[i] = strings.TrimSuffix(u, "/")
		if next < len(listeners) && strings.HasSuffix(shown[i], ":0") {
			_, port, _ := net.SplitHostPort(listeners[next].Addr().String())
			shown[i] = strings.TrimSuffix(shown[i], "0") + port
		}
		// localhost takes up to two listeners of one port.
		_, port, _ := net.SplitHostPort(listeners[min(next, len(listeners)-1)].Addr().String())
		next++
		if next < len(listeners) && strings.Contains(u, "://localhost") && strings.HasSuffix(listeners[next].Addr().String(), ":"+port) {
			next++
		}
	}
	return shown
}
