//! The text of the file in the image, so that a tool needs nothing beside it.
//!
//! Section `.alt_cpucaps` takes no memory, since it is not allocated: nothing loads it, and
//! linkers keep such sections, as they keep `.comment`. Each `cpucaps!` adds two strings,
//! each with a NUL byte at its end: the text; and a `1` for each cap, in the order of the
//! file, or a `0` if its `cfg` is false in this build. `alt_linker::caps` reads it.

use alt_cpucaps::Table;
use proc_macro2::TokenStream;
use quote::quote;

use super::expand::cfg;

/// Expands to the section. `text` holds no NUL: TOML has none.
pub fn embed(table: &Table, text: &str) -> TokenStream {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(ascii).collect();
    lines.push(".byte 0".to_owned());
    let mut predicates = Vec::new();
    for cap in &table.caps {
        lines.push(match &cap.cfg {
            None => ".ascii \"1\"".to_owned(),
            Some(predicate) => {
                predicates.push(cfg(predicate));
                ".byte 48 + {}".to_owned()
            }
        });
    }
    quote! {
        #[cfg(all(target_arch = "aarch64", target_os = "none"))]
        ::core::arch::global_asm!(
            ".pushsection .alt_cpucaps, \"\", @progbits",
            #(#lines,)*
            ".byte 0",
            ".popsection",
            #(const #predicates as u8,)*
        );
    }
}

/// The directive that assembles to these bytes, within a template of `global_asm!`.
///
/// Written out rather than taken in by `.incbin`: with LTO, the assembler runs when the
/// file may be elsewhere.
fn ascii(line: &str) -> String {
    let mut directive = ".ascii \"".to_owned();
    for byte in line.bytes() {
        match byte {
            b'{' => directive += "{{",
            b'}' => directive += "}}",
            b'"' | b'\\' => directive.extend(['\\', char::from(byte)]),
            b' '..=b'~' => directive.push(char::from(byte)),
            _ => directive += &format!("\\{byte:03o}"),
        }
    }
    directive + "\""
}
