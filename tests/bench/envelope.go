package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// envelope is what a registry of docker/distribution 2.8 sends for the push of
// an image, with includereferences on: the same fields, indentation and size.
const envelope = `{
   "events": [
      {
         "id": %[1]q,
         "timestamp": %[2]q,
         "action": "push",
         "target": {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "size": 502,
            "digest": "sha256:%[3]x",
            "length": 502,
            "repository": %[4]q,
            "url": "http://registry.example.com/v2/%[5]s/manifests/sha256:%[3]x",
            "tag": %[6]q,
            "references": [
               {
                  "mediaType": "application/vnd.oci.image.config.v1+json",
                  "size": 365,
                  "digest": "sha256:%[7]x"
               },
               {
                  "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                  "size": 578521,
                  "digest": "sha256:%[8]x"
               }
            ]
         },
         "request": {
            "id": %[9]q,
            "addr": "192.0.2.7:43004",
            "host": "registry.example.com",
            "method": "PUT",
            "useragent": "skopeo/1.9.3"
         },
         "actor": {
            "name": "ci"
         },
         "source": {
            "addr": "registry:5000",
            "instanceID": "1b883dc2-91dd-48f2-8be5-2d5c7d72eb44"
         }
      }
   ]
}`

// repositories is over how many repositories the events of a run are spread.
const repositories = 20

// envelopes returns the notifications of n pushes to a project, all different.
func envelopes(project string, n int, now time.Time) [][]byte {
	bodies := make([][]byte, n)
	for i := range bodies {
		repository := project + "/app-" + strconv.Itoa(i%repositories)
		bodies[i] = fmt.Appendf(nil, envelope, uuid.NewString(), now.Format(time.RFC3339Nano),
			randomDigest(), repository, repository, tagOf(i), randomDigest(), randomDigest(), uuid.NewString())
	}
	return bodies
}

func randomDigest() []byte {
	digest := make([]byte, 32)
	rand.Read(digest)
	return digest
}

const tagPrefix = "bench-"

// tagOf is the tag that tells the events of a run apart.
func tagOf(event int) string { return tagPrefix + strconv.Itoa(event) }

// eventIn finds in the body of a delivery the event that it tells of. It looks
// for the one field instead of reading JSON: the sink shares the processors with
// what is measured.
func eventIn(body []byte) (event int, ok bool) {
	_, rest, found := bytes.Cut(body, []byte(`"tag":"`+tagPrefix))
	end := bytes.IndexByte(rest, '"')
	if !found || end < 0 {
		return 0, false
	}
	event, err := strconv.Atoi(string(rest[:end]))
	return event, err == nil && event >= 0
}
