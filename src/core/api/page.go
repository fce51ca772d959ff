package api

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/harborhook/harborhook/src/hook"
)

// maxPageSize is both the largest page of the first family and its default, as
// in Harbor 1.10.
const maxPageSize = 500

// maxPage keeps offsets far from overflow.
const maxPage = 1 << 31

// page reads page and page_size.
func (q *query) page() hook.JobPage {
	number := q.integer("page", 1, 1, maxPage)
	size := q.integer("page_size", q.family.pageSize, 1, q.family.maxPageSize)
	return hook.JobPage{Offset: int((number - 1) * size), Limit: int(size)}
}

// announce writes the headers that tell how many there are in all, and where the
// pages before and after this one are.
func (c *call) announce(page hook.JobPage, total int) {
	h := c.w.Header()
	h.Set("X-Total-Count", strconv.Itoa(total))
	var links []string
	link := func(offset int, rel string) {
		links = append(links, "<"+pageURL(c.r.URL, offset/page.Limit+1, page.Limit)+`>; rel="`+rel+`"`)
	}
	if page.Offset > 0 && page.Offset <= total {
		link(page.Offset-page.Limit, "prev")
	}
	if page.Offset+page.Limit < total {
		link(page.Offset+page.Limit, "next")
	}
	if len(links) > 0 {
		h.Set("Link", strings.Join(links, c.family.linkSeparator))
	}
}

func pageURL(u *url.URL, number, size int) string {
	query := u.Query()
	query.Set("page", strconv.Itoa(number))
	query.Set("page_size", strconv.Itoa(size))
	return u.EscapedPath() + "?" + query.Encode()
}
