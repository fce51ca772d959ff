// Package docs holds the documents that the binary carries.
package docs

import _ "embed"

// OpenAPI describes every route of the API, in OpenAPI 3.0 and YAML.
//
//go:embed openapi.yaml
var OpenAPI []byte
