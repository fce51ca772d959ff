package event_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/hook"
)

func TestDataThatASchemaAllows(t *testing.T) {
	t.Parallel()
	catalog := event.DefaultCatalog()
	for name, tt := range map[string]struct {
		typ  hook.EventType
		data string
	}{
		"a report by media type":     {hook.ScanningCompleted, `{"scan_overview":{"application/x":{"severity":"High","vendor_field":[1]}}}`},
		"Harbor 1.9's flat overview": {hook.ScanningCompleted, `{"scan_overview":{"image_digest":"sha256:0","severity":4}}`},
		"a bill of materials":        {hook.ScanningCompleted, `{"scan":{"scan_type":"sbom"},"sbom_overview":{"sbom_digest":"sha256:0"}}`},
		"a scan that failed at once": {hook.ScanningFailed, `{}`},
		"a failed replication": {
			hook.ReplicationFinished,
			`{"replication":{"job_status":"Error","src_resource":{"namespace":"a"},"dest_resource":{"namespace":"b"},"failed_artifact":[{"name_tag":"x:y","references":null}]}}`,
		},
		"no limit":               {hook.ProjectQuota, `{"quota":{"details":"full","hard":{"storage":-1}}}`},
		"nothing but a sentence": {hook.QuotaWarning, `{"quota":{"details":"nearly full"}}`},
		"nothing deleted":        {hook.TagRetention, `{"retention":{"result":"SUCCESS","deleted_artifact":[]}}`},
	} {
		if err := catalog.CheckData(tt.typ, json.RawMessage(tt.data)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDataThatASchemaRefuses(t *testing.T) {
	t.Parallel()
	catalog := event.DefaultCatalog()
	for name, tt := range map[string]struct {
		typ           hook.EventType
		data          string
		field, reason string
	}{
		"type of a registry": {hook.PushImage, `{}`, "", `no events of type "pushImage"`},
		"unknown type":       {"explode", `{}`, "", `no events of type "explode"`},
		"not JSON":           {hook.ScanningFailed, `{"scan_overview":`, "", "not valid JSON"},
		"no object":          {hook.ScanningFailed, `[]`, "", "got array, want object"},
		"missing member":     {hook.ScanningCompleted, `{}`, "/scan_overview", "is missing"},
		"missing member of a bill of materials": {
			hook.ScanningCompleted,
			`{"scan":{"scan_type":"sbom"},"scan_overview":{"a/b":{}}}`, "/sbom_overview", "is missing",
		},
		"wrong type":          {hook.ScanningCompleted, `{"scan_overview":"High"}`, "/scan_overview", "got string, want object"},
		"empty overview":      {hook.ScanningCompleted, `{"scan_overview":{}}`, "/scan_overview", "minProperties"},
		"report is no object": {hook.ScanningStopped, `{"scan_overview":{"a/b":1}}`, "/scan_overview/a~1b", "got number, want object"},
		"deep inside": {
			hook.ScanningCompleted, `{"scan_overview":{"a/b":{"summary":{"total":"3"}}}}`,
			"/scan_overview/a~1b/summary/total", "got string, want integer",
		},
		"another kind of scan": {hook.ScanningStopped, `{"scan":{"scan_type":"x-ray"}}`, "/scan/scan_type", "must be one of"},
		"misspelt member":      {hook.ScanningFailed, `{"scan_overveiw":{}}`, "/scan_overveiw", "unknown field"},
		"first of several":     {hook.TagRetention, `{"retention":{"total":-1,"retained":-1,"result":"x","deleted_artifact":{}}}`, "/retention/deleted_artifact", "got object"},
		"entry of a list":      {hook.TagRetention, `{"retention":{"result":"x","deleted_artifact":[{"name_tag":"a:b"},{}]}}`, "/retention/deleted_artifact/1/name_tag", "is missing"},
		"where it went":        {hook.ReplicationFinished, `{"replication":{"job_status":"Success","src_resource":{"namespace":"a"}}}`, "/replication/dest_resource", "is missing"},
		"no sentence":          {hook.ProjectQuota, `{"quota":{"details":""}}`, "/quota/details", "minLength"},
		"fraction of bytes":    {hook.QuotaWarning, `{"quota":{"details":"x","used":{"storage":1.5}}}`, "/quota/used/storage", "want integer"},
		"endless name":         {hook.ScanningFailed, `{"` + strings.Repeat("a", 1000) + `":1}`, "/" + strings.Repeat("a", 64) + "…", "unknown field"},
	} {
		var invalid *hook.InvalidError
		err := catalog.CheckData(tt.typ, json.RawMessage(tt.data))
		if !errors.As(err, &invalid) || invalid.Field != tt.field || !strings.Contains(invalid.Reason, tt.reason) {
			t.Errorf("%s: %v, want %q at %q", name, err, tt.reason, tt.field)
		}
	}
}

// BenchmarkDefaultCatalog keeps an eye on the schemas, which are compiled with it.
func BenchmarkDefaultCatalog(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		event.DefaultCatalog()
	}
}
