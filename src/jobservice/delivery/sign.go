package delivery

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// signAll returns the value of webhook-signature: one signature for each secret,
// so that a receiver may know either while they are changed.
func signAll(secrets []string, id, seconds string, body []byte) string {
	signatures := make([]string, len(secrets))
	for i, secret := range secrets {
		signatures[i] = signStandard(secret, id, seconds, body)
	}
	return strings.Join(signatures, " ")
}

// signStandard returns one signature as Standard Webhooks has it: over message id, Unix time in seconds and body, joined by dots.
func signStandard(secret, id, seconds string, body []byte) string {
	mac := hmac.New(sha256.New, standardKey(secret))
	mac.Write([]byte(id + "." + seconds + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// standardKey decodes secrets that are written "whsec_" and base64, and takes
// all others as they are.
func standardKey(secret string) []byte {
	if encoded, ok := strings.CutPrefix(secret, "whsec_"); ok {
		if key, err := base64.StdEncoding.DecodeString(encoded); err == nil && len(key) > 0 {
			return key
		}
	}
	return []byte(secret)
}

// signHub returns the value of X-Hub-Signature-256 as GitHub has it: over the
// body alone, with the secret as it is written.
func signHub(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
