//! Clocks: wall time, the thread's processor time, and the bytes that the process holds.

use std::time::Instant;

/// A point in time, on the wall or of the thread's processor time.
#[derive(Clone, Copy)]
pub enum Clock {
    /// Of the wall: cheap to read, and others' work on the machine counts.
    Wall(Instant),
    /// Processor time of this thread: others' work on the machine does not count, nor does what an engine
    /// does in threads of its own (XGrammar compiles in some: take the wall for it). A reading is a system
    /// call.
    Cpu(cpu_time::ThreadTime),
}

impl Clock {
    /// Now, by processor time or by the wall.
    pub fn start(cpu: bool) -> Self {
        match cpu {
            true => Clock::Cpu(cpu_time::ThreadTime::now()),
            false => Clock::Wall(Instant::now()),
        }
    }

    /// Nanoseconds since then.
    pub fn nanos(self) -> u64 {
        match self {
            Clock::Wall(start) => start.elapsed().as_nanos() as u64,
            Clock::Cpu(start) => start.elapsed().as_nanos() as u64,
        }
    }

    /// What a reading costs by itself, in nanoseconds: the median of many.
    pub fn own_cost(cpu: bool) -> u64 {
        let mut all: Vec<u64> = (0..10_001).map(|_| Clock::start(cpu).nanos()).collect();
        *all.select_nth_unstable(5_000).1
    }
}

/// Nanoseconds of one call on the wall.
pub fn wall<T>(call: impl FnOnce() -> T) -> (T, u64) {
    let start = Clock::start(false);
    let value = call();
    (value, start.nanos())
}

/// Nanoseconds of processor time of one call.
pub fn cpu<T>(call: impl FnOnce() -> T) -> (T, u64) {
    let start = Clock::start(true);
    let value = call();
    (value, start.nanos())
}

#[cfg(feature = "memory")]
#[global_allocator]
static ALLOCATOR: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

/// Bytes held by the process, where they are counted (feature `memory`).
pub fn bytes_held() -> isize {
    #[cfg(feature = "memory")]
    {
        let stats = ALLOCATOR.stats();
        return stats.bytes_allocated as isize - stats.bytes_deallocated as isize;
    }
    #[cfg(not(feature = "memory"))]
    0
}
