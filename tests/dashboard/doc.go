// Package dashboard breaks running systems and looks at them through the queries of the
// Grafana dashboard and of the alerts, with Prometheus' own engine.
package dashboard
