// Command concurrency is the Go side of bench/go.ts: the same work with the same number of operations as each of its
// contenders does, written as one writes it in Go.
//
//	concurrency WORKLOAD N    does N operations, again and again, and prints {"figure": nanoseconds of processor time
//	                          per operation} as ../../go-work.ts does; for "parked" the figure is bytes per goroutine,
//	                          and "first" does them once
package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
)

var workloads = map[string]func(n int){
	"pingpong": pingpong,
	"buffered": buffered,
	"try":      try,
	"select2":  select2,
	"select8":  select8,
	"mutex":    mutex,
	"spawn":    spawn,
	"map":      mapValues,
}

// halves are the workloads of which only a part counts, which they return in nanoseconds.
var halves = map[string]func(n int) int64{
	"start": func(n int) int64 { start, _ := burst(n); return start },
	"wake":  func(n int) int64 { _, wake := burst(n); return wake },
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: concurrency WORKLOAD N")
		os.Exit(2)
	}
	n, err := strconv.Atoi(os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "concurrency: N:", err)
		os.Exit(2)
	}
	if os.Args[1] == "parked" {
		fmt.Printf("{\"figure\": %g}\n", parked(n))
		return
	}
	if os.Args[1] == "first" {
		start, wake := burst(n)
		fmt.Printf("{\"figure\": %g}\n", float64(start+wake)/float64(n))
		return
	}
	half := halves[os.Args[1]]
	work := workloads[os.Args[1]]
	if half != nil {
		work = func(n int) { half(n) }
	}
	if work == nil {
		fmt.Fprintf(os.Stderr, "concurrency: no workload %q\n", os.Args[1])
		os.Exit(2)
	}
	for begun := processorTime(); processorTime()-begun < 1e9; {
		work(n)
	}
	least := int64(math.MaxInt64)
	for range 5 {
		if half != nil {
			least = min(least, half(n))
			continue
		}
		start := processorTime()
		work(n)
		least = min(least, processorTime()-start)
	}
	fmt.Printf("{\"figure\": %g}\n", float64(least)/float64(n))
}

// processorTime is what this process has used so far, in nanoseconds.
func processorTime() int64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return used.Utime.Nano() + used.Stime.Nano()
}

// pingpong is n transfers over two unbuffered channels, back and forth.
func pingpong(n int) {
	ping, pong := make(chan int), make(chan int)
	go func() {
		for i := 0; i < n/2; i++ {
			pong <- <-ping
		}
	}()
	for i := 0; i < n/2; i++ {
		ping <- i
		<-pong
	}
}

// buffered is n transfers from one goroutine to another over a channel of 100.
func buffered(n int) {
	ch := make(chan int, 100)
	go func() {
		for i := 0; i < n; i++ {
			ch <- i
		}
	}()
	for i := 0; i < n; i++ {
		<-ch
	}
}

// try fills and empties a channel of 100, never waiting.
func try(n int) {
	ch := make(chan int, 100)
	for i := 0; i < n; i += 100 {
		for j := 0; j < 100; j++ {
			select {
			case ch <- j:
			default:
				panic("full")
			}
		}
		for j := 0; j < 100; j++ {
			select {
			case <-ch:
			default:
				panic("empty")
			}
		}
	}
}

func select2(n int) {
	chans := feed(n, 2)
	a, b := chans[0], chans[1]
	for i := 0; i < n; i++ {
		select {
		case <-a:
		case <-b:
		}
	}
}

func select8(n int) {
	chans := feed(n, 8)
	a, b, c, d, e, f, g, h := chans[0], chans[1], chans[2], chans[3], chans[4], chans[5], chans[6], chans[7]
	for i := 0; i < n; i++ {
		select {
		case <-a:
		case <-b:
		case <-c:
		case <-d:
		case <-e:
		case <-f:
		case <-g:
		case <-h:
		}
	}
}

// feed starts a goroutine that sends n values to k unbuffered channels in turn.
func feed(n, k int) []chan int {
	chans := make([]chan int, k)
	for i := range chans {
		chans[i] = make(chan int)
	}
	go func() {
		for i := 0; i < n; i++ {
			chans[i%k] <- i
		}
	}()
	return chans
}

// mutex is n times lock, let others run, unlock, by ten goroutines.
func mutex(n int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for i := 0; i < n/10; i++ {
				mu.Lock()
				runtime.Gosched()
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// spawn starts n goroutines, 100 at a time, and waits for their ends.
func spawn(n int) {
	var wg sync.WaitGroup
	for i := 0; i < n; i += 100 {
		for range 100 {
			wg.Go(func() {})
		}
		wg.Wait()
	}
}

// burst starts n goroutines at once, which wait for one gate, and wakes them at once; it returns what each half took.
func burst(n int) (start, wake int64) {
	gate := make(chan int)
	var wg sync.WaitGroup
	var begun atomic.Int64
	begin := processorTime()
	for range n {
		wg.Go(func() {
			begun.Add(1)
			<-gate
		})
	}
	for begun.Load() < int64(n) {
		runtime.Gosched()
	}
	waiting := processorTime()
	close(gate)
	wg.Wait()
	return waiting - begin, processorTime() - waiting
}

// mapValues has eight workers apply a function to n values.
func mapValues(n int) {
	in, out := make(chan int), make(chan int)
	go func() {
		for i := 0; i < n; i++ {
			in <- i
		}
		close(in)
	}()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for v := range in {
				out <- v + 1
			}
		})
	}
	go func() {
		wg.Wait()
		close(out)
	}()
	sum := 0
	for v := range out {
		sum += v
	}
	if sum != n*(n+1)/2 {
		panic("wrong sum")
	}
}

// parked is what n goroutines cost that wait for a channel: heap and stacks.
func parked(n int) float64 {
	var before, after runtime.MemStats
	ch := make(chan int)
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range n {
		go func() { <-ch }()
	}
	for range 3 {
		runtime.Gosched()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	used := func(m *runtime.MemStats) uint64 { return m.HeapAlloc + m.StackInuse }
	bytes := float64(used(&after)-used(&before)) / float64(n)
	close(ch)
	return bytes
}
