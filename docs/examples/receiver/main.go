// Command receiver takes webhooks, checks their signature and prints what was pushed.
// docs/getting-started.md uses it.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// maxBody is more than any webhook has, in bytes.
const maxBody = 4 << 20

func main() {
	addr, secret := os.Getenv("ADDR"), os.Getenv("SECRET")
	if addr == "" || secret == "" {
		fmt.Fprintln(os.Stderr, "set ADDR, for example 127.0.0.1:9000, and SECRET, the signing secret of the policy")
		os.Exit(2)
	}
	server := &http.Server{Addr: addr, Handler: receive([]byte(secret)), ReadHeaderTimeout: 5 * time.Second}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	os.Exit(1)
}

func receive(secret []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, "the body cannot be read", http.StatusBadRequest)
			return
		}
		if !signed(secret, body, r.Header.Get("X-Hub-Signature-256")) {
			http.Error(w, "the signature is wrong", http.StatusUnauthorized)
			return
		}
		var message struct {
			Events []struct {
				FullName string `json:"full_name"`
				Tag      string `json:"tag"`
			} `json:"events"`
		}
		if err := json.Unmarshal(body, &message); err != nil {
			http.Error(w, "the body is not what the policy sends", http.StatusBadRequest)
			return
		}
		for _, e := range message.Events {
			fmt.Printf("pushed %s:%s\n", e.FullName, e.Tag) // your pipeline starts here
		}
	}
}

// signed says whether the body was signed with the secret, in constant time.
func signed(secret, body []byte, signature string) bool {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return hmac.Equal([]byte(signature), []byte("sha256="+hex.EncodeToString(mac.Sum(nil))))
}
