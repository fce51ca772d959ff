package portal

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/harborhook/harborhook/src/hook"
)

type redeliverView struct {
	Project string
	// ID is the delivery that was delivered already, 0 for all that match.
	ID     int64
	Count  int
	Action string
	Back   string
	Query  string
	Error  string
}

// back returns the list that a form stood beside, with what else is to show.
func (v *visit) back(query string, more ...string) error {
	q, err := url.ParseQuery(query)
	if err != nil {
		q = url.Values{}
	}
	q = readSearch(q).values()
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	http.Redirect(v.w, v.r, address(v.webhooks("/deliveries"), q), http.StatusSeeOther)
	return nil
}

// redeliver sends a delivery again. One that was delivered already is asked about first.
func redeliver(v *visit) error {
	id, err := v.id("delivery")
	if err != nil {
		return err
	}
	j, err := v.Store.Job(v.r.Context(), v.project.ID, id)
	if err != nil {
		return fmt.Errorf("read job: %w", err)
	}
	form := v.r.PostForm
	if j.Status == hook.StatusFinished && form.Get("confirmed") == "" {
		shown := redeliverView{Project: v.project.Name, ID: id, Action: v.r.URL.Path, Query: form.Get("query"), Back: v.webhooks("/deliveries/" + strconv.FormatInt(id, 10))}
		v.show(http.StatusOK, "redeliver", v.t("Redeliver"), shown, v.in(crumb{v.t("Deliveries"), v.webhooks("/deliveries")}))
		return nil
	}
	by := v.by(hook.AuditRedeliver)
	by.JobID = id
	again, err := v.Deliveries.Redeliver(v.r.Context(), v.project.ID, id, by)
	if err != nil {
		return fmt.Errorf("redeliver job: %w", err)
	}
	v.did(by)
	return v.back(form.Get("query"), "open", strconv.FormatInt(again, 10), "done", "redelivered", "n", "1")
}

// stop stops a delivery that waits.
func stop(v *visit) error {
	id, err := v.id("delivery")
	if err != nil {
		return err
	}
	by := v.by(hook.AuditStop)
	by.JobID = id
	if err := v.Deliveries.Stop(v.r.Context(), v.project.ID, id, by); err != nil {
		return fmt.Errorf("stop job: %w", err)
	}
	v.did(by)
	return v.back(v.r.PostForm.Get("query"), "open", strconv.FormatInt(id, 10), "done", "stopped")
}

// confirmRedeliverAll says how many deliveries match before they are sent again.
func confirmRedeliverAll(v *visit) error {
	s := readSearch(v.r.URL.Query())
	f, wrong := v.filter(s)
	if len(wrong) > 0 {
		return v.back(s.values().Encode())
	}
	count, err := v.Deliveries.Count(v.r.Context(), v.project.ID, f)
	if err != nil {
		return fmt.Errorf("count jobs: %w", err)
	}
	query := s.values()
	shown := redeliverView{
		Project: v.project.Name, Count: count, Action: v.r.URL.Path, Query: query.Encode(), Back: address(v.webhooks("/deliveries"), query),
	}
	v.show(http.StatusOK, "redeliver", v.t("Redeliver"), shown, v.in(crumb{v.t("Deliveries"), v.webhooks("/deliveries")}))
	return nil
}

func redeliverAll(v *visit) error {
	query := v.r.PostForm.Get("query")
	q, err := url.ParseQuery(query)
	if err != nil {
		return errBadForm
	}
	f, wrong := v.filter(readSearch(q))
	if len(wrong) > 0 {
		return errBadForm
	}
	by := v.by(hook.AuditRedeliver).Of(f.PolicyID)
	done, err := v.Deliveries.RedeliverAll(v.r.Context(), v.project.ID, f, by)
	if err != nil {
		return fmt.Errorf("redeliver jobs: %w", err)
	}
	v.did(by)
	if done.Bulk != nil {
		return v.back(query, "done", "bulk", "n", strconv.Itoa(done.Bulk.Total))
	}
	return v.back(query, "done", "redelivered", "n", strconv.Itoa(len(done.IDs)))
}
