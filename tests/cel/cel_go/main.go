// SPDX-License-Identifier: Apache-2.0

// Evaluates one CEL expression a line with cel-go and prints what comes out: the second opinion of differential.py.
// The names in scope and their values are those of tests/cel/evaluate.c.
package main

import (
	"bufio"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/ext"
)

func text(value ref.Val) string {
	switch v := value.(type) {
	case types.Bool:
		return fmt.Sprintf("bool %t", bool(v))
	case types.Int:
		return fmt.Sprintf("int %d", int64(v))
	case types.Uint:
		return fmt.Sprintf("uint %d", uint64(v))
	case types.Double:
		return "double " + strconv.FormatFloat(float64(v), 'g', 17, 64)
	case types.String:
		return fmt.Sprintf("string %x", string(v))
	case types.Bytes:
		return fmt.Sprintf("bytes %x", []byte(v))
	case types.Null:
		return "null"
	case types.Timestamp:
		return fmt.Sprintf("timestamp %d %d", v.Unix(), v.Nanosecond())
	case types.Duration:
		return fmt.Sprintf("duration %d", v.Nanoseconds())
	case traits.Lister:
		parts := []string{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			parts = append(parts, text(it.Next()))
		}
		return "list [" + strings.Join(parts, ", ") + "]"
	case traits.Mapper:
		parts := []string{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			parts = append(parts, text(key)+": "+text(v.Get(key)))
		}
		sort.Strings(parts)
		return "map {" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprintf("? %T", value)
}

func main() {
	env, err := cel.NewEnv(ext.Strings(), ext.Math(), cel.CrossTypeNumericComparisons(true),
		cel.Variable("a", cel.IntType), cel.Variable("b", cel.IntType), cel.Variable("u", cel.UintType),
		cel.Variable("d", cel.DoubleType), cel.Variable("s", cel.StringType), cel.Variable("t", cel.BoolType),
		cel.Variable("l", cel.ListType(cel.IntType)), cel.Variable("m", cel.MapType(cel.StringType, cel.IntType)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	values := map[string]any{"a": 7, "b": -3, "u": uint64(5), "d": 2.5, "s": "Ab\u00fc c", "t": true,
		"l": []int64{3, 1, 2}, "m": map[string]int64{"x": 1, "y": 2}}
	in := bufio.NewScanner(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		ast, issues := env.Compile(in.Text())
		if issues.Err() != nil {
			fmt.Fprintln(out, "refused")
			continue
		}
		program, err := env.Program(ast)
		if err != nil {
			fmt.Fprintln(out, "refused")
			continue
		}
		value, _, err := program.Eval(values)
		if err != nil {
			fmt.Fprintln(out, "error")
			continue
		}
		fmt.Fprintln(out, text(value))
	}
}
