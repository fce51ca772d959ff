package auth

// attempt is one try to sign in.
type attempt struct {
	password    string
	credentials key
	account     key
	// client is nil when the caller does not know the client's address.
	client *key
}

func (s *Service) attempt(username, password, client string) attempt {
	a := attempt{
		password:    password,
		credentials: s.keys.credentials(username, password),
		account:     s.keys.account(username),
	}
	if client != "" {
		k := s.keys.client(client)
		a.client = &k
	}
	return a
}

// suspects are the keys that a failure counts against.
func (a attempt) suspects() []key {
	if a.client == nil {
		return []key{a.account}
	}
	return []key{a.account, *a.client}
}
