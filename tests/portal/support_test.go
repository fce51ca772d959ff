package portal

import (
	"context"
	"strconv"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

func itoa(id int64) string { return strconv.FormatInt(id, 10) }

func setCookie(url, name, value string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		return network.SetCookie(name, value).WithURL(url).Do(ctx)
	})
}
