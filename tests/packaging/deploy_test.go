package packaging

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/src/config"
	"github.com/harborhook/harborhook/tests/harness"
)

// commands are the program's own, and what each takes as flags.
type commands map[string]string

// help asks the program for its commands and their flags.
func help(t *testing.T) commands {
	t.Helper()
	binary := install(t).binary()
	run := func(args ...string) string {
		out, err := exec.CommandContext(t.Context(), binary, args...).Output()
		if err != nil {
			t.Fatalf("%s: %v", strings.Join(args, " "), err)
		}
		return string(out)
	}
	all := commands{}
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z]+) `).FindAllStringSubmatch(run("help"), -1) {
		all[m[1]] = run("help", m[1])
	}
	if len(all) < 6 {
		t.Fatalf("the program has %d commands", len(all))
	}
	return all
}

// check says what of a command line the program does not know.
func (c commands) check(words []string) string {
	if len(words) == 0 {
		return "it has no command"
	}
	flags, ok := c[words[0]]
	if !ok {
		return "there is no command " + words[0]
	}
	for _, word := range words[1:] {
		flag, _, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
		if strings.HasPrefix(word, "-") && !regexp.MustCompile(`(?m)^  -`+regexp.QuoteMeta(flag)+`\b`).MatchString(flags) {
			return words[0] + " has no flag " + word
		}
	}
	return ""
}

func words(v any) []string {
	var all []string
	list, _ := v.([]any)
	for _, one := range list {
		all = append(all, fmt.Sprint(one))
	}
	return all
}

func port(t *testing.T, addr string) string {
	t.Helper()
	_, p, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// pinned is a name of an image that will mean the same tomorrow.
var pinned = regexp.MustCompile(`^[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9.]+)?$`)

func TestTheImageIsSmallAndRunsAsNobody(t *testing.T) {
	t.Parallel()
	known, defaults := help(t), config.Default(config.Core)
	file := text(t, "make/Dockerfile")
	stages := regexp.MustCompile(`(?m)^(?:ARG BUILDER=|FROM )(\S+)`).FindAllStringSubmatch(file, -1)
	if len(stages) != 3 || !pinned.MatchString(stages[0][1]) || stages[1][1] != "$BUILDER" || stages[2][1] != "scratch" {
		t.Errorf("stages %v, want a pinned one and scratch", stages)
	}
	final := file[strings.LastIndex(file, "\nFROM "):]
	for what, want := range map[string]string{
		"user":         `(?m)^USER [1-9]\d*:[1-9]\d*$`,
		"certificates": `(?m)^COPY --from=build \S*ca-certificates\.crt /etc/ssl/certs/$`,
		"program":      `(?m)^ENTRYPOINT \["/harborhook"\]$`,
		"ports":        `(?m)^EXPOSE ` + port(t, defaults.CoreAddr) + ` ` + port(t, defaults.JobServiceAddr) + `$`,
	} {
		if !regexp.MustCompile(want).MatchString(final) {
			t.Errorf("%s: the final image has no line %s", what, want)
		}
	}
	if strings.Contains(final, "\nRUN ") {
		t.Error("there is nothing to RUN with in an image from scratch")
	}
	lines := regexp.MustCompile(`(?m)(?:^CMD|HEALTHCHECK.* CMD) \[(.*)\]$`).FindAllStringSubmatch(final, -1)
	if len(lines) != 2 {
		t.Fatalf("%d command lines, want the health check's and the default", len(lines))
	}
	for _, line := range lines {
		args := strings.Split(strings.NewReplacer(`"`, "", ",", "").Replace(line[1]), " ")
		if args[0] == "/harborhook" {
			args = args[1:]
		}
		if wrong := known.check(args); wrong != "" {
			t.Errorf("%s: %s", line[0], wrong)
		}
	}
	if goVersion := regexp.MustCompile(`golang:(\d+\.\d+)`).FindStringSubmatch(file); goVersion == nil || !strings.Contains(text(t, "go.mod"), "\ngo "+goVersion[1]) {
		t.Errorf("the image is built with %v, which is not what go.mod says", goVersion)
	}
}

// What the program is built from must be copied into the image, and be let through
// to the builder.
func TestTheImageIsBuiltFromAllSources(t *testing.T) {
	t.Parallel()
	var copied []string
	for _, m := range regexp.MustCompile(`(?m)^COPY ([^-].*) \S+$`).FindAllStringSubmatch(text(t, "make/Dockerfile"), -1) {
		copied = append(copied, strings.Fields(m[1])...)
	}
	through := strings.Split(text(t, ".dockerignore"), "\n")
	for _, source := range copied {
		if !slices.Contains(through, "!"+source) {
			t.Errorf(".dockerignore holds %s back", source)
		}
	}
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if .Module}}{{if .Module.Main}}"+
		"{{range .GoFiles}}{{$.Dir}}/{{.}}\n{{end}}{{range .EmbedFiles}}{{$.Dir}}/{{.}}\n{{end}}{{end}}{{end}}", "./src/cmd/harborhook")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	files := strings.Fields(string(out))
	if len(files) < 100 {
		t.Errorf("the program is built from %d files", len(files))
	}
	for _, file := range files {
		file = strings.TrimPrefix(file, top+"/")
		if !slices.ContainsFunc(copied, func(source string) bool { return file == source || strings.HasPrefix(file, source+"/") }) {
			t.Errorf("%s is not copied", file)
		}
	}
}

func TestTheComposition(t *testing.T) {
	t.Parallel()
	known := help(t)
	all := documents(t, "make/docker-compose.yml")
	services, _ := at(all[0], "services").(object)
	for _, name := range []string{"core", "jobservice", "postgres", "redis", "registry"} {
		if services[name] == nil {
			t.Errorf("there is no service %s", name)
		}
	}
	for name, s := range services {
		image, _ := at(s, "image").(string)
		ours := image == "harborhook"
		if !ours && !pinned.MatchString(image) {
			t.Errorf("%s: the image %q is not pinned", name, image)
		}
		if ours {
			if wrong := known.check(words(at(s, "command"))); wrong != "" {
				t.Errorf("%s: %s", name, wrong)
			}
		}
		if test := words(at(s, "healthcheck", "test")); len(test) > 1 && test[1] == "/harborhook" {
			if wrong := known.check(test[2:]); wrong != "" {
				t.Errorf("%s: health check: %s", name, wrong)
			}
		}
		for _, p := range words(at(s, "ports")) {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s listens for everybody: %s", name, p)
			}
		}
	}
	check := func(name string, shape config.Shape) {
		environment, _ := at(services[name], "environment").(object)
		shared, _ := environment["<<"].(object)
		startsWith(t, name, shape, environ(environment, shared, sample))
	}
	check("core", config.Core)
	check("jobservice", config.JobService)

	var registry object
	content, _ := at(all[0], "configs", "registry", "content").(string)
	unmarshal(t, sample("", content), &registry)
	notifies(t, "the composition", registry)
	for _, name := range regexp.MustCompile(`\$\{(\w+):\?`).FindAllStringSubmatch(text(t, "make/docker-compose.yml"), -1) {
		if !strings.Contains(text(t, "make/.env.example"), "\n"+name[1]+"=") {
			t.Errorf("make/.env.example does not name %s", name[1])
		}
	}
}

func TestTheRegistryIsToldToNotify(t *testing.T) {
	t.Parallel()
	notifies(t, "make/registry/config.yml", documents(t, "make/registry/config.yml")[0])
}

// notifies checks that a registry tells what Core needs to know.
func notifies(t *testing.T, whose string, c object) {
	t.Helper()
	endpoint := at(c, "notifications", "endpoints", 0)
	address, _ := at(endpoint, "url").(string)
	if at(c, "notifications", "events", "includereferences") != true || at(c, "storage", "delete", "enabled") != true ||
		!strings.HasSuffix(address, ":8080/service/notifications") || at(endpoint, "headers", "Authorization") == nil ||
		!slices.Contains(words(at(endpoint, "ignoredmediatypes")), "application/octet-stream") {
		t.Errorf("%s: the registry notifies with %v", whose, at(c, "notifications"))
	}
}

func TestTheManifestsOfKubernetes(t *testing.T) {
	t.Parallel()
	known := help(t)
	kustomization := documents(t, "make/kubernetes/kustomization.yaml")[0]
	byKind := map[string][]object{}
	for _, name := range words(kustomization["resources"]) {
		for _, o := range documents(t, "make/kubernetes/"+name) {
			kind, _ := o["kind"].(string)
			byKind[kind] = append(byKind[kind], o)
		}
	}
	if tag := at(kustomization, "images", 0, "newTag"); !regexp.MustCompile(`^v\d+\.\d+\.\d+$`).MatchString(fmt.Sprint(tag)) {
		t.Errorf("the image's tag is %v", tag)
	}
	for kind, n := range map[string]int{"Namespace": 1, "ConfigMap": 1, "Deployment": 2, "Service": 2, "PodDisruptionBudget": 2, "Secret": 0} {
		if len(byKind[kind]) != n {
			t.Errorf("%d of %s, want %d", len(byKind[kind]), kind, n)
		}
	}
	settings, _ := at(byKind["ConfigMap"][0], "data").(object)
	secrets, _ := at(documents(t, "make/kubernetes/secret.example.yaml")[0], "stringData").(object)
	for i, shape := range []config.Shape{config.Core, config.JobService} {
		startsWith(t, "kubernetes", shape, environ(settings, secrets, sample))
		deployment := byKind["Deployment"][i]
		checkDeployment(t, deployment, known)
		labels := at(deployment, "spec", "template", "metadata", "labels")
		for _, selector := range []any{
			at(deployment, "spec", "selector", "matchLabels"), at(byKind["Service"][i], "spec", "selector"),
			at(byKind["PodDisruptionBudget"][i], "spec", "selector", "matchLabels"),
		} {
			if fmt.Sprint(selector) != fmt.Sprint(labels) {
				t.Errorf("%s: %v does not select %v", shape, selector, labels)
			}
		}
		addr := settings["HARBORHOOK_"+strings.ToUpper(string(shape))+"_ADDR"]
		if addr != fmt.Sprintf(":%v", at(byKind["Service"][i], "spec", "ports", 0, "port")) {
			t.Errorf("%s listens on %v", shape, addr)
		}
		if addr != fmt.Sprintf(":%v", at(deployment, "spec", "template", "spec", "containers", 0, "ports", 0, "containerPort")) {
			t.Errorf("%s listens on %v, which is not the container's port", shape, addr)
		}
	}
}

// checkDeployment checks what the restricted Pod Security Standard asks for, and
// what a rolling upgrade needs.
func checkDeployment(t *testing.T, d object, known commands) {
	t.Helper()
	pod := at(d, "spec", "template", "spec")
	container := at(pod, "containers", 0)
	if wrong := known.check(words(at(container, "args"))); wrong != "" {
		t.Error(wrong)
	}
	for want, got := range map[string]any{
		"2": at(d, "spec", "replicas"), "0": at(d, "spec", "strategy", "rollingUpdate", "maxUnavailable"),
		"[true RuntimeDefault]": []any{at(pod, "securityContext", "runAsNonRoot"), at(pod, "securityContext", "seccompProfile", "type")},
		"[false true [ALL]]": []any{
			at(container, "securityContext", "allowPrivilegeEscalation"), at(container, "securityContext", "readOnlyRootFilesystem"),
			at(container, "securityContext", "capabilities", "drop"),
		},
		"[/livez /readyz]": []any{at(container, "livenessProbe", "httpGet", "path"), at(container, "readinessProbe", "httpGet", "path")},
		// Kubernetes would set variables such as HARBORHOOK_CORE_PORT, which are no settings.
		"false": at(pod, "enableServiceLinks"),
	} {
		if fmt.Sprint(got) != want {
			t.Errorf("%v: %v, want %s", at(d, "metadata", "name"), got, want)
		}
	}
	if grace, _ := at(pod, "terminationGracePeriodSeconds").(int); grace <= 15 {
		t.Errorf("work in hand has 15 s, and the pod %d", grace)
	}
}

// units are the package's, as files.
func units(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(install(t).root, "usr/lib/systemd/system/*.service"))
	if err != nil || len(all) != 3 {
		t.Fatalf("the package has the units %v: %v", all, err)
	}
	return all
}

func TestTheUnits(t *testing.T) {
	t.Parallel()
	known, built := help(t), install(t)
	for _, unit := range units(t) {
		file, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		values := map[string]string{}
		for _, line := range strings.Split(string(file), "\n") {
			if key, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
				values[key] = value
			}
		}
		command := strings.Fields(values["ExecStart"])
		if _, err := os.Stat(filepath.Join(built.root, command[0])); err != nil {
			t.Errorf("%s: %v", unit, err)
		}
		if wrong := known.check(command[1:]); wrong != "" {
			t.Errorf("%s: %s", unit, wrong)
		}
		for key, want := range map[string]string{
			"DynamicUser": "yes", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "CapabilityBoundingSet": "", "Restart": "always",
			"EnvironmentFile": "/etc/harborhook/" + command[1] + ".env",
		} {
			if got, ok := values[key]; !ok || strings.TrimPrefix(got, "-") != want {
				t.Errorf("%s: %s is %q, want %q", unit, key, got, want)
			}
		}
	}
}

func TestTheExamplesOfSettings(t *testing.T) {
	t.Parallel()
	examples := filepath.Join(install(t).root, "usr/share/doc/harborhook/examples")
	for _, shape := range []config.Shape{config.Core, config.JobService, config.Standalone} {
		file, err := os.ReadFile(filepath.Join(examples, string(shape)+".env.example"))
		if err != nil {
			t.Fatal(err)
		}
		for _, all := range []bool{false, true} {
			given := object{}
			for line := range strings.Lines(string(file)) {
				line = strings.TrimSpace(line)
				if all {
					line = strings.TrimPrefix(line, "#")
				}
				if name, value, ok := strings.Cut(line, "="); ok && strings.HasPrefix(name, "HARBORHOOK_") {
					given[name] = value
				}
			}
			startsWith(t, string(shape)+".env.example", shape, environ(given, nil, sample))
		}
	}
}

// sample replaces what the operator must fill in.
func sample(name, value string) string {
	switch {
	case name == "HARBORHOOK_ENCRYPTION_KEY":
		return "x9Xv2kqLr7Z0sT1uW4yB6dF8hJ3mN5pQ7cV9eG2aR1o="
	case strings.Contains(value, "CHANGE-ME"):
		return strings.ReplaceAll(value, "CHANGE-ME", "k3v9q2x7m5t8w1z6")
	case strings.HasPrefix(value, "${") && strings.Contains(value, ":-"):
		return strings.TrimSuffix(value[strings.Index(value, ":-")+2:], "}")
	}
	return regexp.MustCompile(`\$\{[^}]*\}`).ReplaceAllString(value, "k3v9q2x7m5t8w1z6")
}

// environ makes an environment of mappings.
func environ(one, other object, fill func(name, value string) string) []string {
	var all []string
	for _, settings := range []object{one, other} {
		for name, value := range settings {
			if name != "<<" {
				all = append(all, name+"="+fill(name, fmt.Sprint(value)))
			}
		}
	}
	return all
}

// startsWith checks that a shape would start with the environment, and knows all of it.
func startsWith(t *testing.T, where string, shape config.Shape, environ []string) {
	t.Helper()
	cfg, warnings, err := config.Load(config.Input{Shape: shape, Environ: environ})
	if err != nil || len(warnings) > 0 {
		t.Errorf("%s, %s: %v %v", where, shape, warnings, err)
		return
	}
	if err := cfg.Validate(shape); err != nil {
		t.Errorf("%s: %s cannot start: %v", where, shape, err)
	}
}

// The packaged program runs from where it was unpacked, and answers.
func TestThePackagedProgramRuns(t *testing.T) {
	t.Parallel()
	s := standalone(t)
	out, err := exec.CommandContext(t.Context(), install(t).binary(), "health", "-url", s+"/readyz").CombinedOutput()
	if err != nil || string(out) != "ready\n" {
		t.Errorf("health: %v: %s", err, out)
	}
	first, err := os.ReadFile(install(t).binary())
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(filepath.Join(install(t).folder, "../archive/harborhook"))
	if err != nil || string(first) != string(second) {
		t.Errorf("package and archive do not hold the same program: %v", err)
	}
}

// standalone starts the packaged program in the standalone shape, and returns the
// address of its Core.
func standalone(t *testing.T) string {
	t.Helper()
	core := harness.FreeAddr(t)
	harness.Run(t, harness.Program{
		Name: "standalone", Path: install(t).binary(), Args: []string{"standalone"}, ReadyURL: "http://" + core + "/readyz",
		Env: []string{
			"HARBORHOOK_DATA_DIR=" + t.TempDir(), "HARBORHOOK_CORE_ADDR=" + core,
			"HARBORHOOK_JOBSERVICE_ADDR=" + harness.FreeAddr(t), "HARBORHOOK_REGISTRY_ADDR=" + harness.FreeAddr(t),
		},
	})
	return "http://" + core
}

func TestTheReleaseIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	built := install(t)
	again := filepath.Join(t.TempDir(), "again")
	if out, err := exec.CommandContext(t.Context(), "make", "-C", root, "--no-print-directory", "dist", "DIST="+again).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, folder := range []string{built.folder, again} {
		cmd := exec.CommandContext(t.Context(), "sha256sum", "--check", "--strict", filepath.Join(built.folder, "SHA256SUMS"))
		cmd.Dir = folder
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", folder, err, out)
		}
	}
}
