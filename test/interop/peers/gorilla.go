// Go's gorilla/websocket as a remote peer (see remote.ts).
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

type command struct {
	N      int
	Do     string
	URL    string
	Text   *string
	Base64 string
	Code   int
	Reason string
}

type event struct {
	N          int     `json:"n"`
	On         string  `json:"on"`
	Extensions string  `json:"extensions,omitempty"`
	Pings      bool    `json:"pings,omitempty"`
	Text       *string `json:"text,omitempty"`
	Base64     *string `json:"base64,omitempty"`
	Code       int     `json:"code,omitempty"`
	Reason     string  `json:"reason"`
	Why        string  `json:"why,omitempty"`
}

var output struct {
	sync.Mutex
	*json.Encoder
}

func emit(e event) {
	output.Lock()
	defer output.Unlock()
	if err := output.Encode(e); err != nil {
		os.Exit(1)
	}
}

var dialer = websocket.Dialer{EnableCompression: true, HandshakeTimeout: 20 * time.Second}

func connect(n int, url string) *websocket.Conn {
	conn, response, err := dialer.Dial(url, nil)
	if err != nil {
		emit(event{N: n, On: "failed", Why: err.Error()})
		return nil
	}
	conn.SetPongHandler(func(payload string) error {
		emit(event{N: n, On: "pong", Text: &payload})
		return nil
	})
	emit(event{N: n, On: "open", Extensions: response.Header.Get("Sec-WebSocket-Extensions"), Pings: true})
	go read(n, conn)
	return conn
}

func read(n int, conn *websocket.Conn) {
	for {
		kind, data, err := conn.ReadMessage()
		if err != nil {
			closed := &websocket.CloseError{Code: websocket.CloseAbnormalClosure, Text: err.Error()}
			errors.As(err, &closed)
			emit(event{N: n, On: "close", Code: closed.Code, Reason: closed.Text})
			conn.Close()
			return
		}
		if kind == websocket.TextMessage {
			text := string(data)
			emit(event{N: n, On: "message", Text: &text})
		} else {
			encoded := base64.StdEncoding.EncodeToString(data)
			emit(event{N: n, On: "message", Base64: &encoded})
		}
	}
}

func send(conn *websocket.Conn, c command) error {
	if c.Text != nil {
		return conn.WriteMessage(websocket.TextMessage, []byte(*c.Text))
	}
	data, err := base64.StdEncoding.DecodeString(c.Base64)
	if err != nil {
		return err
	}
	return conn.WriteMessage(websocket.BinaryMessage, data)
}

func main() {
	output.Encoder = json.NewEncoder(os.Stdout)
	conns := map[int]*websocket.Conn{}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16*1024*1024)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			panic(err)
		}
		conn, deadline := conns[c.N], time.Now().Add(20*time.Second)
		switch c.Do {
		case "connect":
			conns[c.N] = connect(c.N, c.URL)
		case "send":
			_ = send(conn, c) // the reader reports a connection that has failed
		case "ping":
			_ = conn.WriteControl(websocket.PingMessage, []byte(*c.Text), deadline)
		case "close":
			_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(c.Code, c.Reason), deadline)
		}
	}
}
