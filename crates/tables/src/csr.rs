//! Compressed sparse rows: the one form of every transition table.
//!
//! Shapes, for `rows` rows, `columns` columns and `nnz` entries:
//!
//! | array | shape | invariant |
//! |---|---|---|
//! | `indptr` | `[u32; rows + 1]` | starts at 0, never decreases, ends at `nnz` |
//! | `indices` | `[u32; nnz]` | strictly increasing inside a row, below `columns` |
//! | `data` | `[T; nnz]` | any value; `T = ()` for a plain set of columns |
//!
//! Row `r` is the range `indptr[r] .. indptr[r + 1]` of `indices` and `data`. An absent entry is
//! structure: no value of `T` stands for it, zero least of all.
//!
//! [`Csr`] owns its arrays and grows row by row; [`CsrView`] borrows them, from a [`Csr`] or from
//! an artifact. Both exist only with the invariants checked, so reading needs no checks and cannot
//! panic.

use std::fmt;

/// Why three arrays are not a CSR matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CsrError {
    /// `indptr` is empty or does not start at 0.
    BadStart,
    /// `indptr` decreases after this row's start.
    RowOrder {
        /// The row.
        row: usize,
    },
    /// `indptr` ends elsewhere than at the number of entries.
    BadEnd {
        /// Where it ends.
        given: u64,
        /// The length of `indices`.
        expected: u64,
    },
    /// `data` and `indices` differ in length.
    DataLength {
        /// The length of `data`.
        given: usize,
        /// The length of `indices`.
        expected: usize,
    },
    /// The column indices of a row are not strictly increasing.
    ColumnOrder {
        /// The row.
        row: usize,
    },
    /// A column index is too large.
    ColumnRange {
        /// The row.
        row: usize,
        /// The index.
        column: u32,
        /// The number of columns.
        columns: u32,
    },
    /// More than `u32::MAX` entries.
    TooManyEntries,
}

impl fmt::Display for CsrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadStart => write!(f, "row pointers do not start at 0"),
            Self::RowOrder { row } => write!(f, "row {row} ends before it starts"),
            Self::BadEnd { given, expected } => {
                write!(
                    f,
                    "row pointers end at {given}, there are {expected} entries"
                )
            }
            Self::DataLength { given, expected } => {
                write!(f, "{given} values for {expected} column indices")
            }
            Self::ColumnOrder { row } => {
                write!(f, "the columns of row {row} are not strictly increasing")
            }
            Self::ColumnRange {
                row,
                column,
                columns,
            } => {
                write!(
                    f,
                    "row {row} has column {column}, there are {columns} columns"
                )
            }
            Self::TooManyEntries => write!(f, "more than {} entries", u32::MAX),
        }
    }
}

impl std::error::Error for CsrError {}

/// One row: column indices, strictly increasing, and as many values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CsrRow<'a, T> {
    /// The columns that have an entry.
    pub indices: &'a [u32],
    /// Their values.
    pub data: &'a [T],
}

impl<'a, T> CsrRow<'a, T> {
    /// The value at `column`, by binary search.
    pub fn get(&self, column: u32) -> Option<&'a T> {
        self.indices
            .binary_search(&column)
            .ok()
            .map(|i| &self.data[i])
    }

    /// The entries, in column order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u32, &'a T)> + use<'a, T> {
        self.indices.iter().copied().zip(self.data)
    }
}

/// A CSR matrix that borrows its arrays. See the module for shapes and invariants.
#[derive(Debug, PartialEq, Eq)]
pub struct CsrView<'a, T = ()> {
    columns: u32,
    indptr: &'a [u32],
    indices: &'a [u32],
    data: &'a [T],
}

impl<T> Clone for CsrView<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for CsrView<'_, T> {}

/// Values for any number of entries that have none; takes no space.
static NO_DATA: [(); u32::MAX as usize] = [(); u32::MAX as usize];

impl<'a> CsrView<'a, ()> {
    /// Checks the arrays of a matrix without values. Cost: one pass.
    ///
    /// # Errors
    /// The first broken invariant.
    pub fn pattern(columns: u32, indptr: &'a [u32], indices: &'a [u32]) -> Result<Self, CsrError> {
        let data = NO_DATA
            .get(..indices.len())
            .ok_or(CsrError::TooManyEntries)?;
        Self::new(columns, indptr, indices, data)
    }
}

impl<'a, T> CsrView<'a, T> {
    /// Checks the arrays. Cost: one pass.
    ///
    /// # Errors
    /// The first broken invariant.
    pub fn new(
        columns: u32,
        indptr: &'a [u32],
        indices: &'a [u32],
        data: &'a [T],
    ) -> Result<Self, CsrError> {
        check(columns, indptr, indices, data.len())?;
        Ok(CsrView {
            columns,
            indptr,
            indices,
            data,
        })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.indptr.len() - 1
    }

    /// The number of columns.
    pub fn columns(&self) -> u32 {
        self.columns
    }

    /// The number of entries.
    pub fn nnz(&self) -> usize {
        self.indices.len()
    }

    /// Row `row`; one that is out of range is empty.
    #[inline]
    pub fn row(&self, row: usize) -> CsrRow<'a, T> {
        let range = match (self.indptr.get(row), self.indptr.get(row + 1)) {
            (Some(&start), Some(&end)) => start as usize..end as usize,
            _ => 0..0,
        };
        CsrRow {
            indices: &self.indices[range.clone()],
            data: &self.data[range],
        }
    }

    /// The value at `row`, `column`, by binary search in the row.
    #[inline]
    pub fn get(&self, row: usize, column: u32) -> Option<&'a T> {
        self.row(row).get(column)
    }

    /// All rows, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = CsrRow<'a, T>> + use<'a, T> {
        let view = *self;
        (0..self.rows()).map(move |r| view.row(r))
    }

    /// The row pointers, `[u32; rows + 1]`.
    pub fn indptr(&self) -> &'a [u32] {
        self.indptr
    }

    /// The column indices, `[u32; nnz]`.
    pub fn indices(&self) -> &'a [u32] {
        self.indices
    }

    /// The values, `[T; nnz]`.
    pub fn data(&self) -> &'a [T] {
        self.data
    }
}

/// A CSR matrix that owns its arrays. See the module for shapes and invariants.
///
/// ```
/// use maskwright_tables::csr::Csr;
/// let mut table = Csr::new(10);
/// table.push_row([(2, 'a'), (7, 'b')]).unwrap();
/// table.push_row([]).unwrap();
/// assert_eq!((table.rows(), table.nnz()), (2, 2));
/// assert_eq!(table.get(0, 7), Some(&'b'));
/// assert_eq!(table.get(1, 7), None);
/// assert_eq!(table.indptr(), [0, 2, 2]);
/// assert!(table.push_row([(3, 'c'), (3, 'd')]).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Csr<T = ()> {
    columns: u32,
    indptr: Vec<u32>,
    indices: Vec<u32>,
    data: Vec<T>,
}

impl<T> Csr<T> {
    /// A matrix without rows.
    pub fn new(columns: u32) -> Self {
        Csr {
            columns,
            indptr: vec![0],
            indices: Vec::new(),
            data: Vec::new(),
        }
    }

    /// Checks the arrays and takes them. Cost: one pass.
    ///
    /// # Errors
    /// The first broken invariant.
    pub fn from_parts(
        columns: u32,
        indptr: Vec<u32>,
        indices: Vec<u32>,
        data: Vec<T>,
    ) -> Result<Self, CsrError> {
        check(columns, &indptr, &indices, data.len())?;
        Ok(Csr {
            columns,
            indptr,
            indices,
            data,
        })
    }

    /// Appends a row of `(column, value)` entries and returns its number.
    ///
    /// # Errors
    /// Columns that are out of range or not strictly increasing, too many entries. The matrix is
    /// then as it was.
    pub fn push_row(
        &mut self,
        entries: impl IntoIterator<Item = (u32, T)>,
    ) -> Result<usize, CsrError> {
        let (start, row) = (self.indices.len(), self.rows());
        for (column, value) in entries {
            self.indices.push(column);
            self.data.push(value);
        }
        let result = match u32::try_from(self.indices.len()) {
            Ok(end) => check_row(self.columns, row, &self.indices[start..]).map(|()| end),
            Err(_) => Err(CsrError::TooManyEntries),
        };
        match result {
            Ok(end) => {
                self.indptr.push(end);
                Ok(row)
            }
            Err(e) => {
                self.indices.truncate(start);
                self.data.truncate(start);
                Err(e)
            }
        }
    }

    /// The matrix as a borrowed view, which reads rows.
    #[inline]
    pub fn view(&self) -> CsrView<'_, T> {
        CsrView {
            columns: self.columns,
            indptr: &self.indptr,
            indices: &self.indices,
            data: &self.data,
        }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.indptr.len() - 1
    }

    /// The number of columns.
    pub fn columns(&self) -> u32 {
        self.columns
    }

    /// The number of entries.
    pub fn nnz(&self) -> usize {
        self.indices.len()
    }

    /// Row `row`; one that is out of range is empty.
    #[inline]
    pub fn row(&self, row: usize) -> CsrRow<'_, T> {
        self.view().row(row)
    }

    /// The value at `row`, `column`, by binary search in the row.
    #[inline]
    pub fn get(&self, row: usize, column: u32) -> Option<&T> {
        self.view().get(row, column)
    }

    /// The row pointers, `[u32; rows + 1]`.
    pub fn indptr(&self) -> &[u32] {
        &self.indptr
    }

    /// The column indices, `[u32; nnz]`.
    pub fn indices(&self) -> &[u32] {
        &self.indices
    }

    /// The values, `[T; nnz]`.
    pub fn data(&self) -> &[T] {
        &self.data
    }
}

fn check(columns: u32, indptr: &[u32], indices: &[u32], data_len: usize) -> Result<(), CsrError> {
    if data_len != indices.len() {
        return Err(CsrError::DataLength {
            given: data_len,
            expected: indices.len(),
        });
    }
    let (Some(0), Some(&end)) = (indptr.first(), indptr.last()) else {
        return Err(CsrError::BadStart);
    };
    if end as usize != indices.len() {
        return Err(CsrError::BadEnd {
            given: end.into(),
            expected: indices.len() as u64,
        });
    }
    for (row, pair) in indptr.windows(2).enumerate() {
        // A later row may still come back below the last pointer, so the range is looked up.
        let range = pair[0] as usize..pair[1] as usize;
        let row_indices = indices.get(range).ok_or(CsrError::RowOrder { row })?;
        check_row(columns, row, row_indices)?;
    }
    Ok(())
}

fn check_row(columns: u32, row: usize, indices: &[u32]) -> Result<(), CsrError> {
    if !indices.is_sorted_by(|a, b| a < b) {
        return Err(CsrError::ColumnOrder { row });
    }
    match indices.last() {
        Some(&column) if column >= columns => Err(CsrError::ColumnRange {
            row,
            column,
            columns,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(columns: u32, indptr: &[u32], indices: &[u32]) -> CsrError {
        CsrView::pattern(columns, indptr, indices).unwrap_err()
    }

    #[test]
    fn rows_come_back_as_pushed() {
        let mut csr = Csr::new(5);
        let rows: [&[(u32, u32)]; 4] = [&[(0, 0), (4, 9)], &[], &[(3, 1)], &[(1, 1), (2, 2)]];
        for (i, row) in rows.iter().enumerate() {
            assert_eq!(csr.push_row(row.iter().copied()), Ok(i));
        }
        for (view, row) in csr.view().iter().zip(rows) {
            assert_eq!(view.iter().map(|(c, v)| (c, *v)).collect::<Vec<_>>(), row);
        }
        assert_eq!(csr.get(0, 0), Some(&0), "a value of zero is present");
        assert_eq!(csr.get(0, 1), None);
        assert_eq!(csr.row(4).indices, [0; 0]);
        assert_eq!(csr.row(usize::MAX - 1).indices, [0; 0]);
        let again = Csr::from_parts(
            5,
            csr.indptr().to_vec(),
            csr.indices().to_vec(),
            csr.data().to_vec(),
        );
        assert_eq!(again.unwrap(), csr);
    }

    #[test]
    fn a_refused_row_changes_nothing() {
        let mut csr = Csr::new(3);
        csr.push_row([(1, ())]).unwrap();
        let before = csr.clone();
        assert_eq!(
            csr.push_row([(2, ()), (1, ())]),
            Err(CsrError::ColumnOrder { row: 1 })
        );
        assert_eq!(
            csr.push_row([(1, ()), (1, ())]),
            Err(CsrError::ColumnOrder { row: 1 })
        );
        let range = CsrError::ColumnRange {
            row: 1,
            column: 3,
            columns: 3,
        };
        assert_eq!(csr.push_row([(3, ())]), Err(range));
        assert_eq!(csr, before);
    }

    #[test]
    fn each_broken_invariant_is_named() {
        assert_eq!(error(9, &[], &[]), CsrError::BadStart);
        assert_eq!(error(9, &[1, 1], &[4]), CsrError::BadStart);
        assert_eq!(
            error(9, &[0, 1], &[4, 5]),
            CsrError::BadEnd {
                given: 1,
                expected: 2
            }
        );
        assert_eq!(
            error(9, &[0, 3], &[4, 5]),
            CsrError::BadEnd {
                given: 3,
                expected: 2
            }
        );
        assert_eq!(
            error(9, &[0, 2, 1, 2], &[4, 5]),
            CsrError::RowOrder { row: 1 }
        );
        assert_eq!(error(9, &[0, 7, 2], &[4, 5]), CsrError::RowOrder { row: 0 });
        assert_eq!(error(9, &[0, 2], &[5, 4]), CsrError::ColumnOrder { row: 0 });
        let range = CsrError::ColumnRange {
            row: 0,
            column: 5,
            columns: 5,
        };
        assert_eq!(error(5, &[0, 2], &[4, 5]), range);
        let length = CsrError::DataLength {
            given: 1,
            expected: 2,
        };
        assert_eq!(CsrView::new(9, &[0, 2], &[4, 5], &[0u8]), Err(length));
        assert!(CsrView::pattern(0, &[0], &[]).is_ok());
    }
}
