//! The one interface behind which every engine runs the same traces.

/// A compiler with its vocabulary set up.
pub trait Engine {
    /// The name in tables.
    fn name(&self) -> &'static str;
    /// Compiles a schema; the error text says why not.
    fn compile(&mut self, schema: &str) -> Result<Box<dyn Grammar>, String>;
}

/// A compiled schema.
pub trait Grammar {
    /// A new session.
    fn session(&mut self) -> Result<Box<dyn Session>, String>;
}

/// One generation under way.
pub trait Session {
    /// Fills the mask; a failing engine counts as refusing the token.
    fn mask(&mut self) -> Result<(), String>;
    /// Whether the last mask has the bit of this token.
    fn allowed(&self, token: u32) -> bool;
    /// Takes a token that the last mask allowed.
    fn advance(&mut self, token: u32) -> Result<(), String>;
}
