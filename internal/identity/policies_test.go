package identity

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"
)

// rights is the whole matrix: what each role may do. "all" are the five
// domains; "yes" is for actions that know no domain. What is not named is denied.
var rights = map[Role]map[Action]string{
	CSO: {ViewFindings: "all", ActOnFindings: "all", ShelveFindings: "all", ViewPort: "yes", ViewPeople: "yes", ViewVessels: "yes",
		ViewNetwork: "yes", ViewSources: "yes", ViewReports: "yes", ReconcileRegister: "yes", JudgeWeaknesses: "yes", SignReports: "yes", TakePaper: "yes", ViewAudit: "yes", ManageOwnTokens: "yes"},
	FacilitySecurityOfficer: {ViewFindings: "all", ActOnFindings: "physical sea cargo", ShelveFindings: "physical sea cargo", ViewPort: "yes",
		ViewPeople: "yes", ViewVessels: "yes", ViewSources: "yes", ViewReports: "yes", TakePaper: "yes", ManageOwnTokens: "yes"},
	CybersecurityOfficer: {ViewFindings: "all", ActOnFindings: "all", ShelveFindings: "all", ViewPort: "yes", ViewPeople: "yes", ViewVessels: "yes",
		ViewNetwork: "yes", ViewSources: "yes", ViewReports: "yes", ReconcileRegister: "yes", JudgeWeaknesses: "yes", TakePaper: "yes", ViewAudit: "yes", ViewMetrics: "yes", ManageOwnTokens: "yes"},
	OTEngineer: {ViewFindings: "all", ActOnFindings: "ot", ShelveFindings: "ot", ViewPort: "yes", ViewVessels: "yes", ViewNetwork: "yes",
		ViewSources: "yes", ViewReports: "yes", ReconcileRegister: "yes", JudgeWeaknesses: "yes", ManageOwnTokens: "yes"},
	Analyst: {ViewFindings: "all", ActOnFindings: "all", ViewPort: "yes", ViewPeople: "yes", ViewVessels: "yes", ViewNetwork: "yes",
		ViewSources: "yes", ViewReports: "yes", ManageOwnTokens: "yes"},
	VTSOperator: {ViewFindings: "ot sea", ActOnFindings: "sea", ViewPort: "yes", ViewVessels: "yes", ViewSources: "yes", ViewReports: "yes", ManageOwnTokens: "yes"},
	Operations: {ViewFindings: "ot physical sea cargo", ActOnFindings: "cargo", ViewPort: "yes", ViewVessels: "yes", ViewSources: "yes",
		ViewReports: "yes", TakePaper: "yes", ManageOwnTokens: "yes"},
	Compliance: {ViewFindings: "all", ViewPort: "yes", ViewVessels: "yes", ViewNetwork: "yes", ViewSources: "yes", ViewReports: "yes",
		ViewAudit: "yes", ManageOwnTokens: "yes"},
	Board: {ViewReports: "yes"},
	Administrator: {ViewFindings: "all", ViewPort: "yes", ViewVessels: "yes", ViewNetwork: "yes", ViewSources: "yes", ViewReports: "yes",
		ViewAudit: "yes", ViewMetrics: "yes", ManageAccounts: "yes", ManageTokens: "yes", ManageOwnTokens: "yes"},
}

func loadPolicies(t *testing.T) *Policies {
	t.Helper()
	ps, err := LoadPolicies()
	if err != nil {
		t.Fatal(err)
	}
	return ps
}

func TestRightsOfEachRole(t *testing.T) {
	ps := loadPolicies(t)
	if len(rights) != len(Roles()) {
		t.Fatalf("the matrix has %d roles of %d", len(rights), len(Roles()))
	}
	for _, role := range Roles() {
		p := Principal{Account: Account{Name: "jane"}, Roles: []Role{role}, policies: ps}
		for _, action := range Actions {
			if got, want := may(p, action), rights[role][action]; got != want {
				t.Errorf("%s %s: got %q, want %q", role, action, got, want)
			}
		}
	}
}

// may tells what p may do in the words of the matrix.
func may(p Principal, action Action) string {
	switch action {
	case ViewFindings, ActOnFindings, ShelveFindings:
		var in []string
		for _, d := range Domains {
			if p.Allowed(action, Findings(d)) {
				in = append(in, d)
			}
		}
		if len(in) == len(Domains) {
			return "all"
		}
		return strings.Join(in, " ")
	case ManageTokens, ManageOwnTokens:
		return yes(p.Allowed(action, TokensOf(p.Account.Name)))
	}
	return yes(p.Allowed(action, ThePort))
}

func yes(ok bool) string {
	if ok {
		return "yes"
	}
	return ""
}

func TestDefaultDeny(t *testing.T) {
	ps := loadPolicies(t)
	cso := Principal{Account: Account{Name: "jane"}, Roles: []Role{CSO}, policies: ps}
	for name, ok := range map[string]bool{
		"no principal":            Allowed(t.Context(), ViewReports, ThePort),
		"principal made by hand":  Principal{Account: Account{Name: "jane"}, Roles: []Role{CSO}}.Allowed(ViewReports, ThePort),
		"no roles":                Principal{Account: Account{Name: "jane"}, policies: ps}.Allowed(ViewReports, ThePort),
		"unknown role":            Principal{Account: Account{Name: "jane"}, Roles: []Role{"king"}, policies: ps}.Allowed(ViewReports, ThePort),
		"unknown action":          cso.Allowed("LaunchMissiles", ThePort),
		"action of another kind":  cso.Allowed(ManageOwnTokens, ThePort),
		"tokens of somebody else": cso.Allowed(ManageOwnTokens, TokensOf("john")),
		"account named as a role": Principal{Account: Account{Name: "administrator"}, policies: ps}.Allowed(ManageAccounts, ThePort),
	} {
		if ok {
			t.Errorf("%s: allowed", name)
		}
	}
	vts := Principal{Account: Account{Name: "jane"}, Roles: []Role{VTSOperator}, policies: ps}
	if vts.Allowed(ViewFindings, Findings()) {
		t.Error("a finding without a domain is shown to a role that is limited to some")
	}
	if !vts.Allowed(ViewFindings, Findings("it", "sea")) {
		t.Error("a chain that reaches the sea is kept from the traffic service")
	}
	if !cso.Allowed(ViewFindings, Findings()) {
		t.Error("a finding without a domain is kept from everybody")
	}
}

func TestTokensManageNothing(t *testing.T) {
	ps := loadPolicies(t)
	for _, role := range Roles() {
		p := Principal{Account: Account{Name: "jane"}, Roles: []Role{role}, Token: "T-1", policies: ps}
		for _, action := range []Action{ManageAccounts, ManageTokens, ManageOwnTokens} {
			if may(p, action) != "" {
				t.Errorf("a token with the role %s may %s", role, action)
			}
		}
	}
}

// TestPoliciesFitTheSchema keeps a mistyped role, action or attribute from
// turning a policy silently into one that never matches.
func TestPoliciesFitTheSchema(t *testing.T) {
	text, err := policyFiles.ReadFile("policies/schema.cedarschema")
	if err != nil {
		t.Fatal(err)
	}
	var s schema.Schema
	if err := s.UnmarshalCedar(text); err != nil {
		t.Fatal(err)
	}
	resolved, err := s.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	validator := validate.New(resolved, validate.WithStrict())
	used := map[string]bool{}
	for id, p := range loadPolicies(t).set.All() {
		if err := validator.Policy(string(id), (*ast.Policy)(p.AST())); err != nil {
			t.Errorf("policy %s: %v", id, err)
		}
		for _, name := range RoleNames() {
			if strings.Contains(string(p.MarshalCedar()), `Role::"`+name+`"`) {
				used[name] = true
			}
		}
		for _, found := range strings.Split(string(p.MarshalCedar()), `Role::"`)[1:] {
			name, _, _ := strings.Cut(found, `"`)
			if !Role(name).Valid() {
				t.Errorf("policy %s names the unknown role %q", id, name)
			}
		}
	}
	if got := slices.Sorted(maps.Keys(used)); len(got) != len(Roles()) {
		t.Errorf("policies name %v", got)
	}
	var declared []string
	for uid := range resolved.Actions {
		declared = append(declared, string(uid.ID))
	}
	var known []string
	for _, a := range Actions {
		known = append(known, string(a))
	}
	slices.Sort(declared)
	slices.Sort(known)
	if !slices.Equal(declared, known) {
		t.Errorf("schema declares %v, the code knows %v", declared, known)
	}
}

func BenchmarkDecide(b *testing.B) {
	ps, err := LoadPolicies()
	if err != nil {
		b.Fatal(err)
	}
	p := Principal{Account: Account{Name: "jane"}, Roles: []Role{Analyst}, policies: ps}
	for b.Loop() {
		p.Allowed(ViewFindings, Findings("ot", "sea"))
	}
}
