package contract

import "errors"

// isA says whether err is, or wraps, an error of the type that to points at.
func isA[E error](err error, to *E) bool { return err != nil && errors.As(err, to) }
