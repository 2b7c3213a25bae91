//! Generates the parser of the grammar notation from `src/notation/syntax.lalrpop`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=src/notation/syntax.lalrpop");
    lalrpop::process_src()
}
