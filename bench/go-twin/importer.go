package main

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xuri/excelize/v2"
	"gorm.io/gorm"
)

const batchSize = 100

var errMethod = errors.New("unknown method")

// stats is what an import reports. Unlike the guide's program this one counts the rows of a batch that went in, not its
// capacity, and no counter is shared without care; the work done is the same.
type stats struct {
	Total            int     `json:"total_records"`
	Succeeded        int     `json:"success_count"`
	Failed           int     `json:"error_count"`
	Duration         string  `json:"duration"`
	Milliseconds     float64 `json:"milliseconds"`
	RecordsPerSecond float64 `json:"records_per_second"`
}

type importer struct{ db *gorm.DB }

// run imports the first sheet. The clock runs from opening the file until the last row is in.
func (im *importer) run(method, file string) (*stats, error) {
	load := map[string]func([][]string) int64{
		"sequential": im.sequential,
		"concurrent": im.concurrent,
		"batch":      im.batch,
	}[method]
	if load == nil {
		return nil, fmt.Errorf("%w %q", errMethod, method)
	}
	start := time.Now()
	rows, err := readRows(file)
	if err != nil {
		return nil, err
	}
	succeeded := int(load(rows))
	elapsed := time.Since(start)
	return &stats{
		Total:            len(rows),
		Succeeded:        succeeded,
		Failed:           len(rows) - succeeded,
		Duration:         elapsed.String(),
		Milliseconds:     float64(elapsed.Microseconds()) / 1000,
		RecordsPerSecond: float64(succeeded) / elapsed.Seconds(),
	}, nil
}

// readRows reads all rows below the header.
func readRows(file string) ([][]string, error) {
	book, err := excelize.OpenFile(file)
	if err != nil {
		return nil, fmt.Errorf("open workbook: %w", err)
	}
	defer book.Close()
	rows, err := book.GetRows("Sheet1")
	if err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return rows[1:], nil
}

// insert tries one row and returns how many went in.
func (im *importer) insert(row []string) int64 {
	if len(row) < columns {
		return 0
	}
	record := fromRow(row)
	return im.db.Create(&record).RowsAffected
}

func (im *importer) sequential(rows [][]string) (inserted int64) {
	for _, row := range rows {
		inserted += im.insert(row)
	}
	return inserted
}

func (im *importer) concurrent(rows [][]string) int64 {
	var inserted atomic.Int64
	jobs := make(chan []string, 100)
	wait := workers(func() {
		for row := range jobs {
			inserted.Add(im.insert(row))
		}
	})
	for _, row := range rows {
		jobs <- row
	}
	close(jobs)
	wait()
	return inserted.Load()
}

func (im *importer) batch(rows [][]string) int64 {
	var inserted atomic.Int64
	batches := make(chan []business, 10)
	wait := workers(func() {
		for records := range batches {
			inserted.Add(im.db.CreateInBatches(records, len(records)).RowsAffected)
		}
	})
	records := make([]business, 0, batchSize)
	for _, row := range rows {
		if len(row) < columns {
			continue
		}
		if records = append(records, fromRow(row)); len(records) == batchSize {
			batches <- records
			records = make([]business, 0, batchSize)
		}
	}
	if len(records) > 0 {
		batches <- records
	}
	close(batches)
	wait()
	return inserted.Load()
}

// workers starts one worker a CPU and returns what waits for them.
func workers(work func()) (wait func()) {
	var group sync.WaitGroup
	for range runtime.NumCPU() {
		group.Go(work)
	}
	return group.Wait
}
