// Renders the templates of a chart with the engine that Helm has, text/template, and those of Helm's functions that the chart uses.
// Standard input: {"templates": {name: text}, "values": {...}, "chart": {...}, "release": {...}}. Output: {name: text}.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/template"
)

func main() {
	var given struct {
		Templates              map[string]string
		Values, Chart, Release map[string]any
	}
	decoder := json.NewDecoder(os.Stdin)
	decoder.UseNumber()
	check(decoder.Decode(&given))
	// As Helm does: what is not there is an error of the chart.
	all := template.New("chart").Option("missingkey=error")
	whole := func(value any) int64 {
		number, err := json.Number(fmt.Sprint(value)).Int64()
		check(err)
		return number
	}
	all.Funcs(template.FuncMap{
		"include": func(name string, data any) (string, error) {
			var out bytes.Buffer
			err := all.ExecuteTemplate(&out, name, data)
			return out.String(), err
		},
		"nindent": func(count int, text string) string {
			pad := "\n" + strings.Repeat(" ", count)
			return pad + strings.ReplaceAll(text, "\n", pad)
		},
		// JSON is YAML.
		"toYaml": func(value any) (string, error) {
			out, err := json.Marshal(value)
			return string(out), err
		},
		"quote": func(value any) string { return fmt.Sprintf("%q", fmt.Sprint(value)) },
		"default": func(fallback, value any) any {
			if value == nil || fmt.Sprint(value) == "" {
				return fallback
			}
			return value
		},
		"join": func(separator string, values []any) string {
			texts := make([]string, len(values))
			for index, value := range values {
				texts[index] = fmt.Sprint(value)
			}
			return strings.Join(texts, separator)
		},
		"add": func(one, other any) int64 { return whole(one) + whole(other) },
		"mul": func(one, other any) int64 { return whole(one) * whole(other) },
	})
	for name, text := range given.Templates {
		_, err := all.New(name).Parse(text)
		check(err)
	}
	rendered := map[string]string{}
	data := map[string]any{"Values": given.Values, "Chart": given.Chart, "Release": given.Release}
	for name := range given.Templates {
		var out bytes.Buffer
		check(all.ExecuteTemplate(&out, name, data))
		rendered[name] = out.String()
	}
	check(json.NewEncoder(os.Stdout).Encode(rendered))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
