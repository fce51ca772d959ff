// Package embed runs the example of docs/embedding.md, and what it relies on.
package embed
