//! `cpucaps!("cpucaps.toml")`: the table of cpucaps, from a TOML file.
//!
//! `alt_cpucaps` reads and checks the file; [`constants`] writes the constants and the table.
//!
//! The text of the file is also put into the section `.alt_cpucaps` of the image, so that a tool
//! needs nothing but the image. The section is not allocated: it is not loaded, and linkers keep it
//! as they keep `.comment`. Each `cpucaps!` adds two NUL-terminated strings to it: the text; and
//! one character for each cpucap, in the order of the file, `0` if its `cfg` is false in this
//! build, else `1`. `alt_image::caps` reads the section.

mod constants;

use std::{env, fs, path::Path};

use alt_cpucaps::Cpucaps;
use proc_macro2::TokenStream;
use quote::quote;
use syn::LitStr;

use crate::Runtime;

/// The cpucap of the instructions that outline atomics become.
const LSE: &str = "LSE";

/// Expands to the constants, the table and the section, or to a `compile_error!` for each mistake.
pub fn expand(path: &LitStr, runtime: &Runtime) -> TokenStream {
    let name = path.value();
    let checked = read(&name).and_then(|text| {
        let cpucaps = alt_cpucaps::check(&name, &text)?;
        let number = match cfg!(feature = "atomics") {
            true => atomics(&name, &cpucaps)?,
            false => TokenStream::new(),
        };
        Ok((cpucaps, text, number))
    });
    match checked {
        Ok((cpucaps, text, number)) => {
            let tracked = track(path);
            let section = section(&cpucaps, &text);
            let constants = constants::expand(&cpucaps, runtime);
            quote! { #tracked #constants #section #number }
        }
        Err(messages) => messages
            .into_iter()
            .map(|message| syn::Error::new(path.span(), message).into_compile_error())
            .collect(),
    }
}

fn read(path: &str) -> Result<String, Vec<String>> {
    let root = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    fs::read_to_string(Path::new(&root).join(path)).map_err(|error| {
        vec![format!(
            "{path}: {error}\n  = help: the path is relative to the directory of the package's \
             Cargo.toml"
        )]
    })
}

/// The absolute symbol by which the records of outline atomics know the number of `LSE`: those of
/// alt-runtime are compiled before the kernel's table exists. Two tables of one image that disagree
/// are a duplicate definition.
fn atomics(path: &str, cpucaps: &Cpucaps) -> Result<TokenStream, Vec<String>> {
    let mut caps = cpucaps.caps.iter();
    let Some(number) = caps.position(|cap| cap.name == LSE) else {
        return Err(vec![format!(
            "{path}: the feature `atomics` of alt-runtime requires a cpucap {LSE}\n  = help: add \
             [{LSE}] with detect = {{ field = \"ID_AA64ISAR0_EL1.Atomic\", min = 2 }}, or drop the \
             feature"
        )]);
    };
    // In one object, a second `.set` would replace the first one in silence.
    let differs = format!(".if __alt_cpucap_{LSE} != {number}");
    let error = format!(".error \"two tables of cpucaps give {LSE} different numbers\"");
    let set = format!(".set __alt_cpucap_{LSE}, {number}");
    let globl = format!(".globl __alt_cpucap_{LSE}");
    let is_known = format!(".ifdef __alt_cpucap_{LSE}");
    Ok(quote! {
        #[cfg(all(target_arch = "aarch64", target_os = "none"))]
        ::core::arch::global_asm!(
            #is_known, #differs, #error, ".endif", ".else", #globl, #set, ".endif",
        );
    })
}

/// Makes rustc depend on the file, so that a change in it causes a rebuild.
fn track(path: &LitStr) -> TokenStream {
    quote! {
        const _: &[u8] = ::core::include_bytes!(
            ::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/", #path)
        );
    }
}

/// The section `.alt_cpucaps`. `text` contains no NUL: TOML does not allow it.
fn section(cpucaps: &Cpucaps, text: &str) -> TokenStream {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(ascii).collect();
    lines.push(".byte 0".to_owned());
    let mut predicates = Vec::new();
    for cap in &cpucaps.caps {
        lines.push(match &cap.cfg {
            None => ".ascii \"1\"".to_owned(),
            Some(predicate) => {
                predicates.push(constants::cfg(predicate));
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

/// The directive that assembles to the bytes of `line`, as part of a template of `global_asm!`.
///
/// `.incbin` cannot be used: with LTO, the assembler may run when the file is somewhere else.
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

#[cfg(test)]
mod tests {
    #[test]
    fn outline_atomics_require_lse() {
        let table = |cap: &str| {
            let text = format!(
                "[{cap}]\ndoc = \"A cpucap.\"\nscope = \"system\"\nkind = \"feature\"\n\
                 detect = {{ field = \"ID_AA64ISAR0_EL1.Atomic\", min = 2 }}\n"
            );
            alt_cpucaps::check("caps.toml", &text).unwrap()
        };
        let messages = super::atomics("caps.toml", &table("ATOMICS")).unwrap_err();
        let [message] = &messages[..] else {
            panic!("{messages:?}");
        };
        let start = "caps.toml: the feature `atomics` of alt-runtime requires a cpucap LSE";
        assert!(message.starts_with(start), "{message}");
        assert!(message.contains("add [LSE] with detect"), "{message}");
        let assembly = super::atomics("caps.toml", &table("LSE"))
            .unwrap()
            .to_string();
        assert!(assembly.contains(".set __alt_cpucap_LSE, 0"), "{assembly}");
    }

    #[test]
    fn a_missing_file_says_where_it_was_sought() {
        let messages = super::read("no/such.toml").unwrap_err();
        let [message] = &messages[..] else {
            panic!("{messages:?}");
        };
        assert!(message.starts_with("no/such.toml: "), "{message}");
        assert!(
            message.contains("directory of the package's Cargo.toml"),
            "{message}"
        );
    }
}
