package ais

import (
	"syscall"
	"time"
	"unsafe"
)

// cpuTime is the time that the calling thread has computed: other people's load
// on the machine does not count. The caller has locked its thread. What is
// measured here makes no system calls, so that all of it is user time; that of
// getrusage(2) counts in ticks of some milliseconds, too coarse for one pass.
func cpuTime() time.Duration {
	const clockThread = 3 // CLOCK_THREAD_CPUTIME_ID of clock_gettime(2)
	var t syscall.Timespec
	if _, _, e := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockThread, uintptr(unsafe.Pointer(&t)), 0); e != 0 {
		panic(e)
	}
	return time.Duration(t.Nano())
}
