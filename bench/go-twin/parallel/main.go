// Command parallel is the Go side of bench/parallel.ts: the same work with the same number of operations, written as one
// writes it in Go.
//
//	parallel WORKLOAD N    does N operations, again and again, and prints {"figure": nanoseconds by the clock per operation} as
//	                       ../../parallel-work.ts does. GOMAXPROCS says on how many cores.
package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

var workloads = map[string]func(n int){
	"tasks":      func(n int) { inFlight(n, 64) },
	"one":        func(n int) { inFlight(n, 1) },
	"fib":        func(n int) { fib(n) },
	"mandelbrot": mandelbrot,
	"quicksort":  sortNumbers,
	"matrix":     matrix,
	"integers":   integers,
	"objects":    objects,
	"mutex":      mutex,
}

const (
	smallFib  = 22
	smallSort = 20_000
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: parallel WORKLOAD N")
		os.Exit(2)
	}
	n, err := strconv.Atoi(os.Args[2])
	work := workloads[os.Args[1]]
	if err != nil || work == nil {
		fmt.Fprintf(os.Stderr, "parallel: no workload %q of %q\n", os.Args[1], os.Args[2])
		os.Exit(2)
	}
	for begun := time.Now(); time.Since(begun) < 500*time.Millisecond; {
		work(n)
	}
	least := time.Duration(math.MaxInt64)
	for range 5 {
		start := time.Now()
		work(n)
		least = min(least, time.Since(start))
	}
	fmt.Printf("{\"figure\": %g}\n", float64(least)/float64(n))
}

// inFlight starts n goroutines that add two numbers, so many at any time, and gets each sum over a channel.
func inFlight(n, width int) {
	var wg sync.WaitGroup
	for w := range width {
		wg.Go(func() {
			sum := make(chan int)
			for i := w; i < n; i += width {
				go func() { sum <- i + 1 }()
				if <-sum != i+1 {
					panic("wrong sum")
				}
			}
		})
	}
	wg.Wait()
}

func fib(n int) int {
	if n <= smallFib {
		return plainFib(n)
	}
	other := make(chan int, 1)
	go func() { other <- fib(n - 1) }()
	return fib(n-2) + <-other
}

func plainFib(n int) int {
	if n < 2 {
		return n
	}
	return plainFib(n-1) + plainFib(n-2)
}

// each runs a goroutine for each row.
func each(n int, row func(int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { row(i) })
	}
	wg.Wait()
}

func mandelbrot(n int) {
	sums := make([]int, n)
	each(n, func(row int) {
		ci := 2*float64(row)/float64(n) - 1
		for column := range n {
			cr := 3*float64(column)/float64(n) - 2
			r, i, k := 0.0, 0.0, 0
			for k < 100 && r*r+i*i < 4 {
				r, i = r*r-i*i+cr, 2*r*i+ci
				k++
			}
			sums[row] += k
		}
	})
}

func matrix(n int) {
	a, b, c := make([]float64, n*n), make([]float64, n*n), make([]float64, n*n)
	for i := range a {
		a[i], b[i] = 1, 2
	}
	each(n, func(row int) {
		for k := range n {
			factor := a[row*n+k]
			for column := range n {
				c[row*n+column] += factor * b[k*n+column]
			}
		}
	})
	if c[n*n-1] != float64(2*n) {
		panic("matrix")
	}
}

func sortNumbers(n int) {
	values := make([]int32, n)
	seed := int32(1)
	for i := range values {
		seed = (seed*1103515245 + 12345) & 0x7fffffff
		values[i] = seed
	}
	quicksort(values)
	if !slices.IsSorted(values) {
		panic("not sorted")
	}
}

func quicksort(values []int32) {
	if len(values) <= smallSort {
		slices.Sort(values)
		return
	}
	pivot := values[len(values)/2]
	i, j := 0, len(values)-1
	for {
		for values[i] < pivot {
			i++
		}
		for values[j] > pivot {
			j--
		}
		if i >= j {
			break
		}
		values[i], values[j] = values[j], values[i]
		i++
		j--
	}
	i = max(i, 1)
	var wg sync.WaitGroup
	wg.Go(func() { quicksort(values[:i]) })
	quicksort(values[i:])
	wg.Wait()
}

func integers(n int) {
	ch := make(chan int, 1000)
	go func() {
		for i := range n {
			ch <- i
		}
	}()
	for range n {
		<-ch
	}
}

type object struct {
	id   int
	name string
	ok   bool
}

func objects(n int) {
	ch := make(chan object, 1000)
	go func() {
		for i := range n {
			ch <- object{i, "a name", true}
		}
	}()
	for range n {
		<-ch
	}
}

// mutex is n times lock, count, unlock, by two goroutines.
func mutex(n int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	count := 0
	for range 2 {
		wg.Go(func() {
			for range n / 2 {
				mu.Lock()
				count++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if count != n {
		panic("lost")
	}
}
