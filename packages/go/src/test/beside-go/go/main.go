// Runs a program of programs.ts with Go, and prints what its main saw:
//
//	besidego PROGRAM.json [threads]
//
// With a number of threads, goroutines give way to others at random moments.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"sync"
)

type op []json.RawMessage

type program struct {
	Channels                         []int
	Mutexes, Groups, Onces, Contexts int
	Goroutines                       [][]op
}

var (
	run      program
	channels []chan int
	mutexes  []sync.Mutex
	rw       sync.RWMutex
	groups   []sync.WaitGroup
	onces    []sync.Once
	locker   sync.Mutex
	cond     = sync.NewCond(&locker)
	contexts []context.Context
	cancels  []context.CancelFunc
	restless bool
)

func read[T any](raw json.RawMessage) (value T) {
	if err := json.Unmarshal(raw, &value); err != nil {
		panic(err)
	}
	return value
}

func (o op) number(n int) int { return read[int](o[n]) }

func at(n int) chan int {
	if n < 0 {
		return nil
	}
	return channels[n]
}

func caseOf(arm op) reflect.SelectCase {
	switch read[string](arm[0]) {
	case "send":
		return reflect.SelectCase{Dir: reflect.SelectSend, Chan: reflect.ValueOf(at(arm.number(1))), Send: reflect.ValueOf(arm.number(2))}
	case "recv":
		return reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(at(arm.number(1)))}
	}
	return reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(contexts[arm.number(1)].Done())}
}

func steps(ops []op, log *[]string) {
	say := func(seen ...any) { *log = append(*log, fmt.Sprint(seen...)) }
	for _, o := range ops {
		if restless {
			for n := rand.IntN(4); n > 1; n-- {
				runtime.Gosched()
			}
		}
		switch kind := read[string](o[0]); kind {
		case "send":
			at(o.number(1)) <- o.number(2)
		case "recv":
			say("recv", <-at(o.number(1)))
		case "recvOk":
			value, ok := <-at(o.number(1))
			say("recv", value, ok)
		case "range":
			for value := range at(o.number(1)) {
				say("range", value)
			}
		case "close":
			close(at(o.number(1)))
		case "len":
			say("len", len(at(o.number(1))), cap(at(o.number(1))))
		case "select":
			var cases []reflect.SelectCase
			arms := read[[]op](o[1])
			for _, arm := range arms {
				cases = append(cases, caseOf(arm))
			}
			if read[bool](o[2]) {
				cases = append(cases, reflect.SelectCase{Dir: reflect.SelectDefault})
			}
			won, value, ok := reflect.Select(cases)
			if won < len(arms) && read[string](arms[won][0]) == "recv" {
				say("select", won, ":", value.Int(), ok)
			} else {
				say("select", won)
			}
		case "lock":
			mutexes[o.number(1)].Lock()
		case "unlock":
			mutexes[o.number(1)].Unlock()
		case "tryLock":
			say("tryLock", mutexes[o.number(1)].TryLock())
		case "wLock":
			rw.Lock()
		case "wUnlock":
			rw.Unlock()
		case "rLock":
			rw.RLock()
		case "rUnlock":
			rw.RUnlock()
		case "add":
			groups[o.number(1)].Add(o.number(2))
		case "done":
			groups[o.number(1)].Done()
		case "wait":
			groups[o.number(1)].Wait()
		case "once":
			onces[o.number(1)].Do(func() {
				say("once")
				steps([]op{read[op](o[2])}, log)
			})
		case "condWait":
			locker.Lock()
			cond.Wait()
			locker.Unlock()
		case "signal":
			cond.Signal()
		case "broadcast":
			cond.Broadcast()
		case "cancel":
			cancels[o.number(1)]()
		case "err":
			if err := contexts[o.number(1)].Err(); err != nil {
				say("err", err.Error())
			} else {
				say("err", "<nil>")
			}
		case "yield":
			runtime.Gosched()
		case "go":
			go steps(run.Goroutines[o.number(1)], new([]string))
		case "goAll":
			started := read[[]int](o[1])
			logs := make([][]string, len(started))
			var all sync.WaitGroup
			for n, goroutine := range started {
				all.Add(1)
				go func() {
					steps(run.Goroutines[goroutine], &logs[n])
					all.Done()
				}()
			}
			all.Wait()
			for _, own := range logs {
				say("goroutine", fmt.Sprint(own))
			}
		default:
			panic("unknown step " + kind)
		}
	}
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	run = read[program](text)
	if restless = len(os.Args) > 2; restless {
		threads, _ := strconv.Atoi(os.Args[2])
		runtime.GOMAXPROCS(threads)
	}
	for _, capacity := range run.Channels {
		channels = append(channels, make(chan int, capacity))
	}
	mutexes, groups, onces = make([]sync.Mutex, run.Mutexes), make([]sync.WaitGroup, run.Groups), make([]sync.Once, run.Onces)
	for n := range run.Contexts {
		parent := context.Background()
		if n > 0 {
			parent = contexts[(n-1)/2]
		}
		ctx, cancel := context.WithCancel(parent)
		contexts, cancels = append(contexts, ctx), append(cancels, cancel)
	}
	var log []string
	steps(run.Goroutines[0], &log)
	for _, line := range log {
		fmt.Println(line)
	}
}
