package delivery

import (
	"context"
	"crypto/tls"
	"net"
	"net/http/httptrace"
	"sync"
)

// stage is how far an attempt came. What a timeout means depends on it.
type stage int

const (
	stageWaiting   stage = iota // for a connection of the pool, at most
	stageResolving              // looks the host up
	stageDialing                // connects
	stageHandshake              // connected, negotiates TLS
	stageConnected              // has a connection
)

// journey follows one attempt on its way. Its hooks may be called late and from
// other goroutines, since a dial goes on after the attempt that began it ended.
type journey struct {
	mu   sync.Mutex
	at   stage
	conn net.Conn
}

func (j *journey) attach(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart:          func(httptrace.DNSStartInfo) { j.reach(stageResolving) },
		ConnectStart:      func(string, string) { j.reach(stageDialing) },
		TLSHandshakeStart: func() { j.reach(stageHandshake) },
		GotConn:           j.gotConn,
	})
}

// reach never goes back: the last dial may belong to a connection that is not
// needed any more.
func (j *journey) reach(s stage) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.at = max(j.at, s)
}

func (j *journey) gotConn(info httptrace.GotConnInfo) {
	j.reach(stageConnected)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.conn = info.Conn
}

// peer is the address of the connection's other end, empty while there is none.
func (j *journey) peer() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.conn == nil {
		return ""
	}
	return j.conn.RemoteAddr().String()
}

// classify says why the attempt brought no answer.
func (j *journey) classify(err error) fault {
	j.mu.Lock()
	defer j.mu.Unlock()
	return classify(err, j.at, ended(j.conn))
}

// ended says whether the other side of a connection broke off.
func ended(conn net.Conn) bool {
	if over, ok := conn.(*tls.Conn); ok {
		conn = over.NetConn()
	}
	watched, ok := conn.(*watchedConn)
	return ok && watched.ended.Load()
}
