package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// startProfiles takes a CPU profile of each process of harborhook, if profiles
// were asked for, and tells when it is done.
func (b *bench) startProfiles(ctx context.Context, l load) <-chan error {
	done := make(chan error, 1)
	if b.profile == "" || !l.profiled {
		done <- nil
		return done
	}
	go func() {
		var mu sync.Mutex
		var errs []error
		var group sync.WaitGroup
		for name, address := range b.sys.debug {
			group.Go(func() {
				err := b.takeProfile(ctx, address, filepath.Join(b.profile, l.name+"-"+name+".pprof"))
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			})
		}
		group.Wait()
		done <- errors.Join(errs...)
	}()
	return done
}

func (b *bench) takeProfile(ctx context.Context, address, path string) error {
	seconds := strconv.Itoa(max(1, int(b.profileFor.Seconds())))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/debug/pprof/profile?seconds="+seconds, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("take a profile: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("take a profile: %s answered %d", address, resp.StatusCode)
	}
	if err := os.MkdirAll(b.profile, 0o750); err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, resp.Body)
	return errors.Join(err, file.Close())
}
