package port

// Load reads the port file at path: one YAML file with what it includes, or a
// directory of them. The error is Problems when the file itself is at fault.
func Load(path string) (*Port, error) { return nil, nil }

// Problem is one fault of a port file.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`   // from 1
	Column  int    `json:"column"` // from 1
	Path    string `json:"path"`   // such as "zones[3].networks[0]"
	Text    string `json:"text"`
	Hint    string `json:"hint,omitempty"`    // what to do
	Warning bool   `json:"warning,omitempty"` // the port loads all the same
}

// Problems are all the faults that were found, in the order of the files.
type Problems []Problem

func (p Problems) Error() string { return "" }
