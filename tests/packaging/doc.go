// Package packaging checks what people install and copy: the packages, the image,
// the units, the manifests, the dashboard, the alerts, and the page that puts a
// production together by hand.
package packaging
