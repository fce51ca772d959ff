// Package openapi holds requests and answers of the API against docs/openapi.yaml.
package openapi
