//! The one interface behind which every engine runs the same traces.

/// What a case is written in.
#[derive(Clone, Debug)]
pub enum Source {
    /// A JSON Schema.
    Schema(String),
    /// A regex that matches the whole output.
    Regex(String),
    /// A context-free grammar in Maskwright's notation.
    Grammar(String),
}

impl Source {
    /// Why an engine does not compile a grammar that is written in another's notation.
    pub const NOTATION: &'static str = "not in this engine's notation";
}

/// A compiler with its vocabulary set up.
pub trait Engine {
    /// Compiles a source; the error text says why not.
    fn compile(&mut self, source: &Source) -> Result<Box<dyn Grammar>, String>;
}

/// A compiled source.
pub trait Grammar {
    /// A new session.
    fn session(&mut self) -> Result<Box<dyn Session + '_>, String>;
}

/// One generation under way.
pub trait Session {
    /// Fills the mask; a failing engine counts as refusing the token.
    fn mask(&mut self) -> Result<(), String>;
    /// Whether the last mask has the bit of this token.
    fn allowed(&self, token: u32) -> bool;
    /// Whether the output may end here, the last mask being that of this place.
    fn may_end(&mut self, end: u32) -> bool {
        self.allowed(end)
    }
    /// Takes a token that the last mask allowed.
    fn advance(&mut self, token: u32) -> Result<(), String>;
}

/// Sets up an engine by its name.
pub fn set_up(
    name: &str,
    vocabulary: &std::sync::Arc<maskwright_tables::Vocabulary>,
    (any_order, fresh): (bool, bool),
) -> anyhow::Result<Box<dyn Engine>> {
    Ok(match name {
        "maskwright" => Box::new(crate::maskwright::Maskwright::new(
            vocabulary, any_order, fresh,
        )),
        #[cfg(feature = "llguidance")]
        "llguidance" => Box::new(crate::llguidance::Llguidance::new(vocabulary)?),
        #[cfg(feature = "glrmask")]
        "glrmask" => Box::new(crate::glrmask::Glrmask::new(vocabulary)?),
        #[cfg(feature = "xgrammar")]
        "xgrammar-rs" => Box::new(crate::xgrammar::Xgrammar::new(vocabulary)?),
        #[cfg(feature = "outlines")]
        "outlines-core" => Box::new(crate::outlines::Outlines::new(vocabulary)?),
        #[cfg(feature = "kbnf")]
        "kbnf" => Box::new(crate::kbnf::Kbnf::new(vocabulary)?),
        other => anyhow::bail!("no engine {other} was built in: see the features of Cargo.toml"),
    })
}
