//! [`Matrix`]: a CSR matrix of words, owned or in an artifact, whose lookups trust nothing.

use crate::artifact::{Artifact, ArtifactError, ArtifactWriter};
use crate::csr::{Csr, CsrView};
use std::borrow::Cow;

/// The error of a section whose contents break an invariant.
pub(crate) fn content(kind: u32, what: String) -> ArtifactError {
    ArtifactError::Content { kind, what }
}

/// A CSR matrix of words. A lookup checks the entries that it needs, so that reading a matrix from a
/// file costs nothing; `verify` checks all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix<'a> {
    columns: u32,
    indptr: Cow<'a, [u32]>,
    indices: Cow<'a, [u32]>,
    data: Cow<'a, [u32]>,
}

impl<'a> Matrix<'a> {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.indptr.len().saturating_sub(1)
    }

    /// The number of columns.
    pub fn columns(&self) -> u32 {
        self.columns
    }

    /// The number of entries.
    pub fn nnz(&self) -> usize {
        self.indices.len()
    }

    /// The values, row by row.
    pub fn data(&self) -> &[u32] {
        &self.data
    }

    /// Where the entries of a row lie; nothing for a row that is out of range or damaged.
    #[inline]
    fn range(&self, row: usize) -> Option<std::ops::Range<usize>> {
        let (start, end) = (*self.indptr.get(row)?, *self.indptr.get(row + 1)?);
        Some(start as usize..end as usize)
    }

    /// The value at `row`, `column`.
    #[inline]
    pub fn get(&self, row: usize, column: u32) -> Option<u32> {
        let range = self.range(row)?;
        let start = range.start;
        let i = self.indices.get(range)?.binary_search(&column).ok()?;
        self.data.get(start + i).copied()
    }

    /// The columns and the values of a row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (u32, u32)> + '_ {
        let range = self.range(row).unwrap_or(0..0);
        let indices = self.indices.get(range.clone()).unwrap_or(&[]);
        let data = self.data.get(range).unwrap_or(&[]);
        indices.iter().copied().zip(data.iter().copied())
    }

    /// Checks the invariants of CSR; `kind` is that of `indptr`.
    ///
    /// # Errors
    /// The first broken invariant.
    pub(crate) fn check(&self, kind: u32) -> Result<(), ArtifactError> {
        CsrView::new(self.columns, &self.indptr, &self.indices, &self.data)
            .map(|_| ())
            .map_err(|e| content(kind, e.to_string()))
    }

    pub(crate) fn into_owned(self) -> Matrix<'static> {
        Matrix {
            columns: self.columns,
            indptr: Cow::Owned(self.indptr.into_owned()),
            indices: Cow::Owned(self.indices.into_owned()),
            data: Cow::Owned(self.data.into_owned()),
        }
    }

    pub(crate) fn write(
        &'a self,
        writer: &mut ArtifactWriter<'a>,
        kind: u32,
        id: u32,
    ) -> Result<(), ArtifactError> {
        writer.add_words(kind, id, &*self.indptr)?;
        writer.add_words(kind + 1, id, &*self.indices)?;
        writer.add_words(kind + 2, id, &*self.data)
    }

    /// Borrows the arrays of a matrix; looks at their lengths only.
    pub(crate) fn read(
        artifact: &Artifact<'a>,
        kind: u32,
        id: u32,
        columns: u32,
    ) -> Result<Self, ArtifactError> {
        let matrix = Matrix {
            columns,
            indptr: artifact.words(kind, id)?,
            indices: artifact.words(kind + 1, id)?,
            data: artifact.words(kind + 2, id)?,
        };
        if matrix.indptr.is_empty() || matrix.indices.len() != matrix.data.len() {
            return Err(content(kind, "arrays of different lengths".into()));
        }
        Ok(matrix)
    }
}

impl From<Csr<u32>> for Matrix<'static> {
    fn from(csr: Csr<u32>) -> Self {
        Matrix {
            columns: csr.columns(),
            indptr: Cow::Owned(csr.indptr().to_vec()),
            indices: Cow::Owned(csr.indices().to_vec()),
            data: Cow::Owned(csr.data().to_vec()),
        }
    }
}
