package identity

// Action is something that somebody may be allowed to do. The policies in
// policies/ say who; what no policy permits is denied.
type Action string

// Actions. The second column of docs/manual/accounts.md says what each opens.
const (
	ViewFindings      Action = "ViewFindings"      // list, read, history, live changes; resource: Findings(domains…)
	ActOnFindings     Action = "ActOnFindings"     // acknowledge, assign, comment, resolve, reopen; resource: Findings(domains…)
	ShelveFindings    Action = "ShelveFindings"    // shelve and unshelve; resource: Findings(domains…)
	ViewPort          Action = "ViewPort"          // sites, areas, zones, conduits, assets, services, authorities
	ViewPeople        Action = "ViewPeople"        // presence, badge events, and telephone and mail of parties
	ViewVessels       Action = "ViewVessels"       // picture, tracks, heat map
	ViewNetwork       Action = "ViewNetwork"       // hosts, conduit uses, flows
	ViewSources       Action = "ViewSources"       // source health
	ViewReports       Action = "ViewReports"       // situation and other reports
	ReconcileRegister Action = "ReconcileRegister" // decide on devices that the register and the network tell differently of
	JudgeWeaknesses   Action = "JudgeWeaknesses"   // decide whether an asset is affected, against matching
	SignReports       Action = "SignReports"       // keep and sign reports to the board
	TakePaper         Action = "TakePaper"         // the paper pack: telephones, places of dangerous goods, holds
	ViewAudit         Action = "ViewAudit"         // the audit log
	ViewMetrics       Action = "ViewMetrics"       // /metrics
	ManageAccounts    Action = "ManageAccounts"    // create, change, disable accounts
	ManageTokens      Action = "ManageTokens"      // see and revoke tokens of everybody; resource: TokensOf(account)
	ManageOwnTokens   Action = "ManageOwnTokens"   // create, see and revoke tokens; resource: TokensOf(account)
)

// Actions are all actions, in the order of the manual.
var Actions = []Action{
	ViewFindings, ActOnFindings, ShelveFindings, ViewPort, ViewPeople, ViewVessels, ViewNetwork,
	ViewSources, ViewReports, ReconcileRegister, JudgeWeaknesses, SignReports, TakePaper, ViewAudit, ViewMetrics, ManageAccounts, ManageTokens, ManageOwnTokens,
}

// Domains are the domains of findings, in the order in which screens show
// their lanes. They repeat package finding's, which is not imported here.
var Domains = []string{"it", "ot", "physical", "sea", "cargo"}

// Resource is what an action is done to.
type Resource struct {
	Kind    string   // "Port", "Findings", "Tokens"
	ID      string   // may be empty
	Domains []string // of a finding: it may be seen by whoever may see one of them
	Owner   string   // account, for tokens
}

// ThePort is the port as a whole: the resource of every action that knows no
// domain and no owner.
var ThePort = Resource{Kind: "Port", ID: "port"}

// Findings are findings of these domains.
func Findings(domains ...string) Resource {
	return Resource{Kind: "Findings", Domains: domains}
}

// TokensOf are the API tokens of an account.
func TokensOf(account string) Resource {
	return Resource{Kind: "Tokens", ID: account, Owner: account}
}
