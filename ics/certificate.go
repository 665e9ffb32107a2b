package ics

import (
	"crypto/x509"
	"strings"
	"time"
)

// certificateFacts tells what a certificate (RFC 5280) says: subject, issuer,
// serial number and until when it is valid. One that can't be parsed tells nothing.
// It names the owner of the key, which need not be the device; only a common
// name that looks like a host name is taken for the sender's name.
func certificateFacts(der []byte, r *Result) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return
	}
	r.fact("certificate-subject", text([]byte(cert.Subject.String())))
	r.fact("certificate-issuer", text([]byte(cert.Issuer.String())))
	r.fact("certificate-serial", cert.SerialNumber.Text(16))
	r.fact("certificate-not-after", cert.NotAfter.UTC().Format(time.RFC3339))
	name := cert.Subject.CommonName
	if r.Identity.Name == "" && name != "" && name != "localhost" && !strings.ContainsAny(name, " */:@=") {
		r.identify(Identity{Name: text([]byte(name))})
	}
}
