package strictyaml

import (
	"reflect"
	"strings"
	"sync"
)

// field is where a key of a mapping goes.
type field struct {
	index  []int
	digits bool
}

// fields are the keys that a struct understands; names keep the order of the struct.
type fields struct {
	byName map[string]field
	names  []string
}

var fieldCache sync.Map // reflect.Type to *fields

func fieldsOf(t reflect.Type) *fields {
	if known, ok := fieldCache.Load(t); ok {
		return known.(*fields)
	}
	fs := &fields{byName: map[string]field{}}
	fs.collect(t, nil)
	fieldCache.Store(t, fs)
	return fs
}

func (fs *fields) collect(t reflect.Type, prefix []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, rest, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		index := append(append([]int(nil), prefix...), i)
		switch {
		case !f.IsExported() || name == "-":
		case rest == "inline" && f.Type.Kind() == reflect.Struct:
			fs.collect(f.Type, index)
		default:
			if name == "" {
				name = strings.ToLower(f.Name)
			}
			fs.byName[name] = field{index: index, digits: f.Tag.Get("strict") == "digits"}
			fs.names = append(fs.names, name)
		}
	}
}
