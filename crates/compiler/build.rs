//! Packs the vocabularies of `tiktoken-rs` for `vocabulary::embedded`.
//!
//! Building an encoder costs some hundred milliseconds and pulls in a regex engine, and a mask needs
//! no encoder: so it is built here, once, and only the tokens' bytes go into the library.
//!
//! A pack is, in little-endian order: the number of ids `n: u32`, `n` lengths of `u16` with
//! `0xffff` for a hole, the number of special tokens `s: u32`, their `s` ids of `u32`, and the bytes
//! of all tokens (of special ones, their names).

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "embedded")]
    embedded::write_packs();
}

#[cfg(feature = "embedded")]
mod embedded {
    use std::path::PathBuf;
    use tiktoken_rs::CoreBPE;

    const HOLE: u16 = u16::MAX;

    pub fn write_packs() {
        let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
        let encoders = [
            ("o200k_base", tiktoken_rs::o200k_base()),
            ("cl100k_base", tiktoken_rs::cl100k_base()),
        ];
        for (name, encoder) in encoders {
            let encoder = encoder.expect("the encoder's data lie inside tiktoken-rs");
            std::fs::write(out.join(name).with_extension("pack"), pack(&encoder))
                .expect("OUT_DIR is writable");
        }
    }

    fn pack(encoder: &CoreBPE) -> Vec<u8> {
        let mut special: Vec<u32> = Vec::new();
        for name in encoder.special_tokens() {
            special.extend(encoder.encode_with_special_tokens(name));
        }
        special.sort_unstable();
        // Special tokens come after all ranks in both encodings.
        let len = special.last().expect("there is an end token") + 1;
        assert!(
            encoder.decode_bytes(&[len]).is_err(),
            "an id after the last special token"
        );
        let mut out = len.to_le_bytes().to_vec();
        let mut bytes = Vec::new();
        for id in 0..len {
            let length = match encoder.decode_bytes(&[id]) {
                Ok(token) => {
                    bytes.extend_from_slice(&token);
                    u16::try_from(token.len())
                        .ok()
                        .filter(|l| *l != HOLE)
                        .expect("tokens are short")
                }
                Err(_) => HOLE,
            };
            out.extend_from_slice(&length.to_le_bytes());
        }
        out.extend_from_slice(&(special.len() as u32).to_le_bytes());
        for id in special {
            out.extend_from_slice(&id.to_le_bytes());
        }
        out.extend_from_slice(&bytes);
        out
    }
}
