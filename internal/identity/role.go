package identity

// Role is what somebody is in the security organisation of the port. Rights
// hang on roles by the policies in policies/; an account may hold several.
type Role string

// Roles. The facility security officer is that of ISPS Code A/17; the
// cybersecurity officer is that of 33 CFR 101.630.
const (
	CSO                     Role = "cso"
	FacilitySecurityOfficer Role = "facility-security-officer"
	CybersecurityOfficer    Role = "cybersecurity-officer"
	OTEngineer              Role = "ot-engineer"
	Analyst                 Role = "analyst"
	VTSOperator             Role = "vts-operator"
	Operations              Role = "operations"
	Compliance              Role = "compliance"
	Board                   Role = "board"
	Administrator           Role = "administrator"
)

var roleLabels = []struct {
	role  Role
	label string
}{
	{CSO, "Chief security officer"},
	{FacilitySecurityOfficer, "Facility security officer"},
	{CybersecurityOfficer, "Cybersecurity officer"},
	{OTEngineer, "OT engineer"},
	{Analyst, "Analyst"},
	{VTSOperator, "VTS operator"},
	{Operations, "Terminal operations"},
	{Compliance, "Compliance manager"},
	{Board, "Board member"},
	{Administrator, "Administrator"},
}

// Roles are all roles, in the order in which screens list them.
func Roles() []Role {
	out := make([]Role, len(roleLabels))
	for i, r := range roleLabels {
		out[i] = r.role
	}
	return out
}

// RoleNames are all roles as text, in the same order.
func RoleNames() []string {
	out := make([]string, len(roleLabels))
	for i, r := range roleLabels {
		out[i] = string(r.role)
	}
	return out
}

// Valid reports whether the role exists.
func (r Role) Valid() bool { return r.Label() != "" }

// Label is the role in words, "" for an unknown one.
func (r Role) Label() string {
	for _, l := range roleLabels {
		if l.role == r {
			return l.label
		}
	}
	return ""
}
