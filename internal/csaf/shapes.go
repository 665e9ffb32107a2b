package csaf

import (
	"strings"
	"sync"
)

// Justifications are why a product can be not affected (3.2.3.5).
var Justifications = []string{"component_not_present", "inline_mitigations_already_exist", "vulnerable_code_cannot_be_controlled_by_adversary", "vulnerable_code_not_in_execute_path", "vulnerable_code_not_present"}

// documentShape is the schema of CSAF 2.0. Each shape names the clause that
// describes it.
var documentShape = sync.OnceValue(func() *shape {
	productID, groupID := text("3.1.8"), text("3.1.6")
	products := list("3.1.9", productID).distinct()
	groups := list("3.1.7", groupID).distinct()
	return object("3.2", "document", map[string]*shape{
		"document":        metaShape(),
		"product_tree":    treeShape(productID, groupID),
		"vulnerabilities": list("3.2.3", vulnerabilityShape(products, groups)),
	})
})

const versionPattern = `^(0|[1-9][0-9]*)$|^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$`

func date(clause string) *shape { return formed(clause, dateTime) }
func link(clause string) *shape { return formed(clause, uri) }

func acknowledgments(clause string) *shape {
	return list(clause, object("3.1.1", "", map[string]*shape{
		"names":        list("3.1.1.1", text("3.1.1.1")),
		"organization": text("3.1.1.2"),
		"summary":      text("3.1.1.3"),
		"urls":         list("3.1.1.4", link("3.1.1.4")),
	}).atLeast(1))
}

func notes(clause string) *shape {
	return list(clause, object("3.1.5", "category text", map[string]*shape{
		"audience": text("3.1.5"),
		"category": oneOf("3.1.5", "description details faq general legal_disclaimer other summary"),
		"text":     text("3.1.5"),
		"title":    text("3.1.5"),
	}))
}

func references(clause string) *shape {
	return list(clause, object("3.1.10", "summary url", map[string]*shape{
		"category": oneOf("3.1.10", "external self"),
		"summary":  text("3.1.10"),
		"url":      link("3.1.10"),
	}))
}

func metaShape() *shape {
	lang := like("3.1.4", `^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$`, "language tag (RFC 5646)")
	return object("3.2.1", "category csaf_version publisher title tracking", map[string]*shape{
		"acknowledgments": acknowledgments("3.2.1.1"),
		"aggregate_severity": object("3.2.1.2", "text", map[string]*shape{
			"namespace": link("3.2.1.2"), "text": text("3.2.1.2"),
		}),
		"category":     like("3.2.1.3", `^[^\s\-_.](.*[^\s\-_.])?$`, "category"),
		"csaf_version": oneOf("3.2.1.4", "2.0"),
		"distribution": object("3.2.1.5", "", map[string]*shape{
			"text": text("3.2.1.5.1"),
			"tlp": object("3.2.1.5.2", "label", map[string]*shape{
				"label": oneOf("3.2.1.5.2", "AMBER GREEN RED WHITE"), "url": link("3.2.1.5.2"),
			}),
		}).atLeast(1),
		"lang":  lang,
		"notes": notes("3.2.1.7"),
		"publisher": object("3.2.1.8", "category name namespace", map[string]*shape{
			"category":          oneOf("3.2.1.8.1", "coordinator discoverer other translator user vendor"),
			"contact_details":   text("3.2.1.8.2"),
			"issuing_authority": text("3.2.1.8.3"),
			"name":              text("3.2.1.8.4"),
			"namespace":         link("3.2.1.8.5"),
		}),
		"references":  references("3.2.1.9"),
		"source_lang": lang,
		"title":       text("3.2.1.11"),
		"tracking":    trackingShape(),
	})
}

func trackingShape() *shape {
	version := func(clause string) *shape { return like(clause, versionPattern, "version (3.1.11)") }
	return object("3.2.1.12", "current_release_date id initial_release_date revision_history status version", map[string]*shape{
		"aliases":              list("3.2.1.12.1", text("3.2.1.12.1")).distinct(),
		"current_release_date": date("3.2.1.12.2"),
		"generator": object("3.2.1.12.3", "engine", map[string]*shape{
			"date": date("3.2.1.12.3"),
			"engine": object("3.2.1.12.3", "name", map[string]*shape{
				"name": text("3.2.1.12.3"), "version": text("3.2.1.12.3"),
			}),
		}),
		"id":                   like("3.2.1.12.4", `^\S(.*\S)?$`, "tracking id"),
		"initial_release_date": date("3.2.1.12.5"),
		"revision_history": list("3.2.1.12.6", object("3.2.1.12.6", "date number summary", map[string]*shape{
			"date":           date("3.2.1.12.6"),
			"legacy_version": text("3.2.1.12.6"),
			"number":         version("3.2.1.12.6"),
			"summary":        text("3.2.1.12.6"),
		})),
		"status":  oneOf("3.2.1.12.7", "draft final interim"),
		"version": version("3.2.1.12.8"),
	})
}

func treeShape(productID, groupID *shape) *shape {
	product := productShape(productID)
	branch := object("3.1.2", "category name", nil)
	branch.exactly = 3 // category, name, and either branches or a product
	branch.fields = map[string]*shape{
		"branches": list("3.1.2.1", branch),
		"category": oneOf("3.1.2.2", "architecture host_name language legacy patch_level product_family product_name product_version product_version_range service_pack specification vendor"),
		"name":     text("3.1.2.3"),
		"product":  product,
	}
	return object("3.2.2", "", map[string]*shape{
		"branches":           list("3.2.2.1", branch),
		"full_product_names": list("3.2.2.2", product),
		"product_groups": list("3.2.2.3", object("3.2.2.3", "group_id product_ids", map[string]*shape{
			"group_id":    groupID,
			"product_ids": list("3.2.2.3", productID).distinct().atLeast(2),
			"summary":     text("3.2.2.3"),
		})),
		"relationships": list("3.2.2.4", object("3.2.2.4", "category full_product_name product_reference relates_to_product_reference", map[string]*shape{
			"category":                     oneOf("3.2.2.4", "default_component_of external_component_of installed_on installed_with optional_component_of"),
			"full_product_name":            product,
			"product_reference":            productID,
			"relates_to_product_reference": productID,
		})),
	}).atLeast(1)
}

func productShape(productID *shape) *shape {
	hash := object("3.1.3.3.2", "algorithm value", map[string]*shape{
		"algorithm": text("3.1.3.3.2"),
		"value":     like("3.1.3.3.2", `^[0-9a-fA-F]{32,}$`, "hash of at least 32 hexadecimal digits"),
	})
	return object("3.1.3", "name product_id", map[string]*shape{
		"name":       text("3.1.3.1"),
		"product_id": productID,
		"product_identification_helper": object("3.1.3.3", "", map[string]*shape{
			"cpe": formed("3.1.3.3.1", cpe),
			"hashes": list("3.1.3.3.2", object("3.1.3.3.2", "file_hashes filename", map[string]*shape{
				"file_hashes": list("3.1.3.3.2", hash), "filename": text("3.1.3.3.2"),
			})),
			"model_numbers":  list("3.1.3.3.3", text("3.1.3.3.3")).distinct(),
			"purl":           like("3.1.3.3.4", `^pkg:[A-Za-z.\-+][A-Za-z0-9.\-+]*/.+`, "package URL"),
			"sbom_urls":      list("3.1.3.3.5", link("3.1.3.3.5")),
			"serial_numbers": list("3.1.3.3.6", text("3.1.3.3.6")).distinct(),
			"skus":           list("3.1.3.3.7", text("3.1.3.3.7")),
			"x_generic_uris": list("3.1.3.3.8", object("3.1.3.3.8", "namespace uri", map[string]*shape{
				"namespace": link("3.1.3.3.8"), "uri": link("3.1.3.3.8"),
			})),
		}).atLeast(1),
	})
}

func vulnerabilityShape(products, groups *shape) *shape {
	statuses := map[string]*shape{}
	for _, s := range statusNames {
		statuses[s] = products
	}
	return object("3.2.3", "", map[string]*shape{
		"acknowledgments": acknowledgments("3.2.3.1"),
		"cve":             like("3.2.3.2", `^CVE-[0-9]{4}-[0-9]{4,}$`, "CVE id"),
		"cwe": object("3.2.3.3", "id name", map[string]*shape{
			"id": like("3.2.3.3", `^CWE-[1-9]\d{0,5}$`, "CWE id"), "name": text("3.2.3.3"),
		}),
		"discovery_date": date("3.2.3.4"),
		"flags": list("3.2.3.5", object("3.2.3.5", "label", map[string]*shape{
			"date": date("3.2.3.5"), "group_ids": groups, "product_ids": products,
			"label": oneOf("3.2.3.5", strings.Join(Justifications, " ")),
		})).distinct(),
		"ids": list("3.2.3.6", object("3.2.3.6", "system_name text", map[string]*shape{
			"system_name": text("3.2.3.6"), "text": text("3.2.3.6"),
		})).distinct(),
		"involvements": list("3.2.3.7", object("3.2.3.7", "party status", map[string]*shape{
			"date":    date("3.2.3.7"),
			"party":   oneOf("3.2.3.7", "coordinator discoverer other user vendor"),
			"status":  oneOf("3.2.3.7", "completed contact_attempted disputed in_progress not_contacted open"),
			"summary": text("3.2.3.7"),
		})).distinct(),
		"notes":          notes("3.2.3.8"),
		"product_status": object("3.2.3.9", "", statuses).atLeast(1),
		"references":     references("3.2.3.10"),
		"release_date":   date("3.2.3.11"),
		"remediations": list("3.2.3.12", object("3.2.3.12", "category details", map[string]*shape{
			"category": oneOf("3.2.3.12.1", "mitigation no_fix_planned none_available vendor_fix workaround"),
			"date":     date("3.2.3.12.2"), "details": text("3.2.3.12.3"),
			"entitlements": list("3.2.3.12.4", text("3.2.3.12.4")),
			"group_ids":    groups, "product_ids": products,
			"restart_required": object("3.2.3.12.7", "category", map[string]*shape{
				"category": oneOf("3.2.3.12.7", "connected dependencies machine none parent service system vulnerable_component zone"),
				"details":  text("3.2.3.12.7"),
			}),
			"url": link("3.2.3.12.8"),
		})),
		"scores": list("3.2.3.13", object("3.2.3.13", "products", map[string]*shape{
			"cvss_v2":  {clause: "6.1.8", kind: isObject, open: true}, // see cvss.go
			"cvss_v3":  {clause: "6.1.8", kind: isObject, open: true},
			"products": products,
		}).atLeast(2)),
		"threats": list("3.2.3.14", object("3.2.3.14", "category details", map[string]*shape{
			"category": oneOf("3.2.3.14", "exploit_status impact target_set"),
			"date":     date("3.2.3.14"), "details": text("3.2.3.14"),
			"group_ids": groups, "product_ids": products,
		})),
		"title": text("3.2.3.15"),
	}).atLeast(1)
}

// statusNames are the product statuses (3.2.3.9).
var statusNames = []string{"first_affected", "first_fixed", "fixed", "known_affected", "known_not_affected", "last_affected", "recommended", "under_investigation"}
