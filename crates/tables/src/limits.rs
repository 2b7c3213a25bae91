//! Limits on what a compile or a run may spend, and the flag that cancels one.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a compile or a run may spend. Every loop over user-controlled input checks these.
///
/// Crossing one is a [`LimitError`] that names the stage and the numbers; it is never read as
/// "no match".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of source text (schema, grammar, regex).
    pub source_bytes: usize,
    /// Nesting depth of the source text.
    pub source_depth: usize,
    /// Nodes of the intermediate forms of one grammar.
    pub nodes: usize,
    /// Lexical states plus stack symbols that one grammar may create, lazily or ahead of time.
    pub states: usize,
    /// Bytes of rows and tables that one grammar may own.
    pub bytes: usize,
    /// Elementary steps of a single call (one mask, one advance, one emptiness check).
    pub steps: u64,
    /// Configurations (stacks) alive at once in one matcher.
    pub stacks: usize,
    /// Entries of one pushdown stack.
    pub stack_depth: usize,
}

impl Limits {
    /// For sources from strangers: a hostile schema costs at most some tens of milliseconds and
    /// megabytes. This is the default.
    pub const fn untrusted() -> Self {
        Limits {
            source_bytes: 4 << 20,
            source_depth: 4096,
            nodes: 1 << 20,
            states: 1 << 18,
            bytes: 64 << 20,
            steps: 20_000_000,
            stacks: 256,
            stack_depth: 1 << 16,
        }
    }

    /// For sources written by the operator.
    pub const fn trusted() -> Self {
        Limits {
            source_bytes: 64 << 20,
            source_depth: 4096,
            nodes: 16 << 20,
            states: 1 << 22,
            bytes: 1 << 30,
            steps: 1_000_000_000,
            stacks: 4096,
            stack_depth: 1 << 20,
        }
    }

    /// For offline compiles, where minutes and gigabytes are fine.
    pub const fn offline() -> Self {
        Limits {
            source_bytes: 1 << 30,
            source_depth: 65_536,
            nodes: 1 << 28,
            states: 1 << 26,
            bytes: 8 << 30,
            steps: 1 << 40,
            stacks: 65_536,
            stack_depth: 1 << 24,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits::untrusted()
    }
}

/// A limit was crossed, or the caller cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitError {
    /// The stage that stopped, such as `"lexical states"`.
    pub stage: &'static str,
    /// What was needed, at least. Zero for a cancel.
    pub needed: u64,
    /// What was allowed. Zero for a cancel.
    pub limit: u64,
}

impl LimitError {
    /// The error of a stage that needed more than its limit.
    pub const fn new(stage: &'static str, needed: u64, limit: u64) -> Self {
        LimitError {
            stage,
            needed,
            limit,
        }
    }

    /// The error of a stage that the caller cancelled.
    pub const fn cancelled(stage: &'static str) -> Self {
        LimitError {
            stage,
            needed: 0,
            limit: 0,
        }
    }

    /// Whether the caller cancelled, as opposed to a limit that was crossed.
    pub const fn is_cancelled(&self) -> bool {
        self.limit == 0 && self.needed == 0
    }
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_cancelled() {
            write!(f, "{}: cancelled", self.stage)
        } else {
            write!(
                f,
                "{}: needs {}, the limit is {}",
                self.stage, self.needed, self.limit
            )
        }
    }
}

impl std::error::Error for LimitError {}

/// A flag that any thread can raise to stop a compile or a run at its next check.
#[derive(Clone, Debug, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// A flag that is not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises the flag.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the flag is raised.
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// An error naming `stage` when the flag is raised.
    #[inline]
    pub fn check(&self, stage: &'static str) -> Result<(), LimitError> {
        if self.is_cancelled() {
            Err(LimitError::cancelled(stage))
        } else {
            Ok(())
        }
    }
}
