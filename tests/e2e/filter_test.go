package e2e

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/tests/harness"
)

func TestOnlyWhatTheFiltersNameArrives(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		cases := map[string]struct {
			filters  []harness.Filter
			want     []string
			receiver *harness.Receiver
		}{
			"no filter":                      {nil, []string{"api:latest", "api:v1", "api:v1-rc", "web-old:latest", "web:v22"}, nil},
			"expression of the repository":   {[]harness.Filter{{Kind: "repository", Value: "api|web"}}, []string{"api:latest", "api:v1", "api:v1-rc", "web:v22"}, nil},
			"expression of the tag":          {[]harness.Filter{{Kind: "tag", Value: `v\d+`}}, []string{"api:v1", "web:v22"}, nil},
			"list of tags":                   {[]harness.Filter{{Kind: "tag", Value: []string{"latest", "v1"}}}, []string{"api:latest", "api:v1", "web-old:latest"}, nil},
			"both kinds must match":          {[]harness.Filter{{Kind: "repository", Value: "web.*"}, {Kind: "tag", Value: []string{"latest"}}}, []string{"web-old:latest"}, nil},
			"one of a kind is enough":        {[]harness.Filter{{Kind: "tag", Value: "v1"}, {Kind: "tag", Value: []string{"v22"}}}, []string{"api:v1", "web:v22"}, nil},
			"a list is no expression":        {[]harness.Filter{{Kind: "tag", Value: []string{"v.*"}}}, nil, nil},
			"the project is not of the name": {[]harness.Filter{{Kind: "repository", Value: c.project + "/.*"}}, nil, nil},
		}
		total := 0
		for name, test := range cases {
			test.receiver = harness.NewReceiver(t)
			cases[name] = test
			c.Admin.CreatePolicy(t, c.project, harness.Policy{
				Name: name, HookTypes: []string{"pushImage"}, Filters: test.filters, Target: test.receiver.URL,
			})
			total += len(test.want)
		}

		img := harness.Image(t, harness.Formats()[1], "amd64")
		for _, repository := range []string{"api:v1", "web-old:latest", "web:v22"} {
			c.Push(t, c.project+"/"+repository, img)
		}
		c.Tag(t, c.project+"/api", "latest", img)
		c.Tag(t, c.project+"/api", "v1-rc", img)
		c.settle(t)
		c.Admin.FinalJobs(t, c.project, total, soon)

		for name, test := range cases {
			var got []string
			for _, d := range test.receiver.Got() {
				e := read(t, d).Events[0]
				got = append(got, e.RepoName+":"+e.Tag)
			}
			slices.Sort(got)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}
