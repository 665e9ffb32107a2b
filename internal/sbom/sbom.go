// Package sbom reads lists of the software components inside a device:
// CycloneDX 1.2 to 1.6 and SPDX 2.2 and 2.3, both in JSON. It exists because a
// notice often names a part from another maker, and only such a list tells that
// the part is inside. It imports nothing of this repository; the advisory room
// and the commands import it.
package sbom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
)

// Bounds of one list.
const (
	MaxList       = 64 << 20 // bytes
	maxComponents = 100_000
	maxDepth      = 32    // components within components
	maxText       = 2_000 // bytes of one name
)

// Component is one part.
type Component struct {
	Supplier string `json:"supplier,omitempty"` // maker, as the list writes it; else the namespace of the package URL
	Name     string `json:"name"`
	Version  string `json:"version,omitempty"`
	PURL     string `json:"purl,omitempty"`
	CPE      string `json:"cpe,omitempty"`
	Path     string `json:"path"` // JSON Pointer in the list
}

// List is what a device is made of.
type List struct {
	Format     string      `json:"format"` // such as "CycloneDX 1.5"
	Components []Component `json:"components"`
}

// Read reads one list. It is read whole or not at all; the error begins with
// the JSON Pointer of what is wrong.
func Read(text []byte) (*List, error) {
	if len(text) > MaxList {
		return nil, errors.New("the list is larger than 64 MiB")
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	var kind struct {
		CycloneDX string          `json:"bomFormat"`
		Version   string          `json:"specVersion"`
		SPDX      string          `json:"spdxVersion"`
		Graph     json.RawMessage `json:"@graph"`
	}
	if err := decode(text, &kind); err != nil {
		return nil, err
	}
	var list *List
	var err error
	switch {
	case kind.CycloneDX == "CycloneDX":
		list, err = cycloneDX(text, kind.Version)
	case kind.SPDX != "":
		list, err = spdx(text, kind.SPDX)
	case kind.Graph != nil:
		return nil, errors.New("/@graph: SPDX 3 is not read; write the list as SPDX 2.3 or CycloneDX")
	default:
		return nil, errors.New("is neither CycloneDX (bomFormat) nor SPDX (spdxVersion)")
	}
	if err != nil {
		return nil, err
	}
	for i := range list.Components {
		if err := list.Components[i].check(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// decode reads one JSON text and says where it is not what it should be.
func decode(text []byte, out any) error {
	in := json.NewDecoder(bytes.NewReader(text))
	err := in.Decode(out)
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		return fmt.Errorf("/%s: is %s, which it can't be", strings.ReplaceAll(kind.Field, ".", "/"), kind.Value)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("is not JSON: it ends too early")
	case err != nil:
		return fmt.Errorf("is not JSON: %w", err)
	}
	if _, err := in.Token(); err != io.EOF {
		return errors.New("is not JSON: there is more behind the list")
	}
	return nil
}

func (c *Component) check() error {
	c.Name, c.Version, c.Supplier = strings.TrimSpace(c.Name), strings.TrimSpace(c.Version), strings.TrimSpace(c.Supplier)
	switch {
	case c.Name == "":
		return fmt.Errorf("%s/name: is missing", c.Path)
	case max(len(c.Name), len(c.Version), len(c.Supplier), len(c.PURL), len(c.CPE)) > maxText:
		return fmt.Errorf("%s: has a text longer than 2,000 bytes", c.Path)
	}
	if c.Supplier == "" {
		c.Supplier = namespace(c.PURL)
	}
	return nil
}

// namespace is the namespace of a package URL: "siemens" of pkg:generic/siemens/s7@2.
func namespace(purl string) string {
	rest, ok := strings.CutPrefix(purl, "pkg:")
	if !ok {
		return ""
	}
	rest, _, _ = strings.Cut(rest, "?")
	parts := strings.Split(strings.Trim(rest, "/"), "/")
	if len(parts) < 3 {
		return ""
	}
	name, err := url.PathUnescape(parts[1])
	if err != nil {
		return ""
	}
	return name
}

// party is a maker in CycloneDX: text, or an object with a name.
type party struct{ Name string }

func (p *party) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte(`"`)) {
		return json.Unmarshal(b, &p.Name)
	}
	var o struct {
		Name string `json:"name"`
	}
	err := json.Unmarshal(b, &o)
	p.Name = o.Name
	return err
}

type cdxComponent struct {
	Type         string         `json:"type"`
	Name         string         `json:"name"`
	Version      string         `json:"version"`
	Publisher    string         `json:"publisher"`
	Author       string         `json:"author"`
	Supplier     party          `json:"supplier"`
	Manufacturer party          `json:"manufacturer"`
	PURL         string         `json:"purl"`
	CPE          string         `json:"cpe"`
	Components   []cdxComponent `json:"components"`
}

func cycloneDX(text []byte, version string) (*List, error) {
	if !slices.Contains([]string{"1.2", "1.3", "1.4", "1.5", "1.6"}, version) {
		return nil, fmt.Errorf("/specVersion: %.20q is none of 1.2 to 1.6", version)
	}
	var doc struct {
		Components []cdxComponent `json:"components"`
	}
	if err := decode(text, &doc); err != nil {
		return nil, err
	}
	l := &List{Format: "CycloneDX " + version, Components: []Component{}}
	return l, l.cycloneDX(doc.Components, "", 1)
}

func (l *List) cycloneDX(all []cdxComponent, above string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%s/components: deeper than %d levels", above, maxDepth)
	}
	for i := range all {
		c := &all[i]
		path := fmt.Sprintf("%s/components/%d", above, i)
		if c.Type == "" {
			return fmt.Errorf("%s/type: is missing", path)
		}
		if len(l.Components) >= maxComponents {
			return fmt.Errorf("%s: there are more than %d components", path, maxComponents)
		}
		maker := c.Supplier.Name
		for _, other := range []string{c.Manufacturer.Name, c.Publisher, c.Author} {
			if strings.TrimSpace(maker) == "" {
				maker = other
			}
		}
		l.Components = append(l.Components, Component{Supplier: maker, Name: c.Name, Version: c.Version, PURL: c.PURL, CPE: c.CPE, Path: path})
		if err := l.cycloneDX(c.Components, path, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func spdx(text []byte, version string) (*List, error) {
	if version != "SPDX-2.2" && version != "SPDX-2.3" {
		return nil, fmt.Errorf("/spdxVersion: %.20q is neither SPDX-2.2 nor SPDX-2.3", version)
	}
	var doc struct {
		Packages []struct {
			ID         string `json:"SPDXID"`
			Name       string `json:"name"`
			Version    string `json:"versionInfo"`
			Supplier   string `json:"supplier"`
			Originator string `json:"originator"`
			Refs       []struct {
				Type    string `json:"referenceType"`
				Locator string `json:"referenceLocator"`
			} `json:"externalRefs"`
		} `json:"packages"`
	}
	if err := decode(text, &doc); err != nil {
		return nil, err
	}
	if len(doc.Packages) > maxComponents {
		return nil, fmt.Errorf("/packages: there are more than %d", maxComponents)
	}
	l := &List{Format: strings.Replace(version, "-", " ", 1), Components: []Component{}}
	for i, p := range doc.Packages {
		c := Component{Supplier: organisation(p.Supplier), Name: p.Name, Version: p.Version, Path: fmt.Sprintf("/packages/%d", i)}
		if p.ID == "" {
			return nil, fmt.Errorf("%s/SPDXID: is missing", c.Path)
		}
		if c.Supplier == "" {
			c.Supplier = organisation(p.Originator)
		}
		for _, r := range p.Refs {
			switch r.Type {
			case "purl":
				c.PURL = r.Locator
			case "cpe23Type", "cpe22Type":
				c.CPE = r.Locator
			}
		}
		l.Components = append(l.Components, c)
	}
	return l, nil
}

// organisation is the name in "Organization: Name (mail)"; "" for NOASSERTION
// and for persons.
func organisation(text string) string {
	name, ok := strings.CutPrefix(text, "Organization:")
	if !ok {
		return ""
	}
	name, _, _ = strings.Cut(name, "(")
	return strings.TrimSpace(name)
}
