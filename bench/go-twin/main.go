// Command go-twin is the guide's importer in Go, to compare ours with: Gin in front, excelize to read, GORM to write, and
// the three methods sequential, concurrent and batch.
//
//	go-twin serve               HTTP on :8080 (POST /upload?method=…, GET /health)
//	go-twin import METHOD FILE  one import into a fresh table; prints its stats as JSON
//
// The database is DATABASE_URL, or the database "businesses" on 127.0.0.1:5432.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "go-twin:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "serve":
		db, err := connect()
		if err != nil {
			return err
		}
		if err := migrate(db); err != nil {
			return err
		}
		return router(&importer{db}).Run(":8080")
	case len(args) == 3 && args[0] == "import":
		db, err := connect()
		if err != nil {
			return err
		}
		if err := recreate(db); err != nil {
			return err
		}
		result, err := (&importer{db}).run(args[1], args[2])
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(result)
	default:
		return errors.New("usage: go-twin serve | go-twin import sequential|concurrent|batch FILE")
	}
}
