package csaf

import (
	"fmt"
	"strings"
)

// Score31 is the base score and its severity, in capitals, of a CVSS 3.1 vector
// (FIRST, CVSS 3.1 specification, section 7).
func Score31(vector string) (score float64, severity string, err error) {
	values, err := system31.vector(vector)
	if err != nil {
		return 0, "", fmt.Errorf("the CVSS 3.1 vector %q: %w", vector, err)
	}
	scores, err := system31.scores(values)
	if err != nil {
		return 0, "", fmt.Errorf("the CVSS 3.1 vector %q: %w", vector, err)
	}
	return scores[0], strings.ToUpper(rating(scores[0])), nil
}

// AssetNamespace marks, among the generic URIs of a product, the assets of the
// port that a notice of its own is about: "urn:quaywatch:asset:crane-4-plc".
const AssetNamespace = "urn:quaywatch:asset"
