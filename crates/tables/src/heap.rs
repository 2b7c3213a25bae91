//! What collections hold on the heap, about: for bounds on memory that need no count at each allocation.
//!
//! The numbers are those of the system's allocator with its headers, from the lengths of collections
//! alone. A test in the compiler compares them with what the allocator says.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};

/// Bytes taken for an allocation of so many bytes: with a header of eight bytes, in steps of sixteen.
///
/// ```
/// use maskwright_tables::heap;
/// assert_eq!([0, 1, 24, 25, 100].map(heap::allocation), [0, 32, 32, 48, 112]);
/// ```
pub const fn allocation(bytes: usize) -> usize {
    match bytes {
        0 => 0,
        bytes => {
            let whole = bytes.saturating_add(8 + 15) & !15;
            if whole < 32 { 32 } else { whole }
        }
    }
}

/// Bytes of a list of so many values, without what these own. Exact for a boxed slice; of a list that
/// grows as it is filled, give the capacity.
///
/// ```
/// assert_eq!(maskwright_tables::heap::list::<u32>(10), 48);
/// ```
pub const fn list<T>(len: usize) -> usize {
    allocation(len.saturating_mul(size_of::<T>()))
}

/// Bytes of a hash table of the standard library that has grown to so many entries, without what these
/// own.
///
/// ```
/// // Sixteen places, each with a byte of control, and sixteen such bytes once more.
/// assert_eq!(maskwright_tables::heap::table::<u32, u32>(9), 16 * 9 + 16 + 16);
/// assert_eq!(maskwright_tables::heap::table::<u32, u32>(0), 0);
/// ```
pub const fn table<K, V>(len: usize) -> usize {
    if len == 0 {
        return 0;
    }
    // At most seven places of eight are taken; four places at least.
    let places = match len {
        0..=3 => 4,
        4..=7 => 8,
        _ => (len.saturating_mul(8) / 7).next_power_of_two(),
    };
    allocation(places.saturating_mul(size_of::<(K, V)>() + 1) + 16)
}

/// Bytes of a list of so many values that grows in pieces, of 32 values and then each twice as large as
/// the one before, so that values never move (`boxcar`). Without what the values own.
///
/// ```
/// use maskwright_tables::heap::{allocation, pieces};
/// // A value of four bytes and whether it is there.
/// assert_eq!([0, 32, 33].map(pieces::<u32>), [0, allocation(256), allocation(256) + allocation(512)]);
/// ```
pub const fn pieces<T>(len: usize) -> usize {
    let each = size_of::<T>()
        .saturating_add(1)
        .next_multiple_of(align_of::<T>());
    let (mut piece, mut places, mut bytes) = (32usize, 0usize, 0usize);
    while places < len {
        bytes = bytes.saturating_add(allocation(piece.saturating_mul(each)));
        places += piece;
        piece *= 2;
    }
    bytes
}

/// What `measure` says of a value behind a lock, or the `last` answer while another thread has the lock:
/// never waits.
///
/// ```
/// use std::sync::Mutex;
/// use std::sync::atomic::AtomicUsize;
///
/// let (list, last) = (Mutex::new(vec![1u8; 100]), AtomicUsize::new(0));
/// let bytes = || maskwright_tables::heap::behind(&list, &last, |list| list.len());
/// assert_eq!(bytes(), 100);
/// let guard = list.lock();
/// assert_eq!(bytes(), 100);
/// # drop(guard);
/// ```
pub fn behind<T>(lock: &Mutex<T>, last: &AtomicUsize, measure: impl FnOnce(&T) -> usize) -> usize {
    let value = match lock.try_lock() {
        Ok(value) => value,
        Err(TryLockError::Poisoned(poisoned)) => PoisonError::into_inner(poisoned),
        Err(TryLockError::WouldBlock) => return last.load(Ordering::Relaxed),
    };
    let bytes = measure(&value);
    last.store(bytes, Ordering::Relaxed);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn tables_grow_as_those_of_the_standard_library() {
        let mut map = HashMap::new();
        for i in 0u64..5_000 {
            map.insert(i, i);
            let places = (table::<u64, u64>(map.len()) - 24) / 17;
            // Its capacity is seven eighths of its places, or all but one of few.
            let capacity = match places {
                ..=8 => places - 1,
                _ => places / 8 * 7,
            };
            assert_eq!(capacity, map.capacity(), "{} entries", map.len());
        }
    }
}
