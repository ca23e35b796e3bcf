//! `cpucaps!("cpucaps.toml")`: the table of cpucaps, from a TOML file.
//!
//! `alt_cpucaps` reads and checks the file; [`expand`] writes the constants, [`embed`] the
//! text for tools.

mod embed;
mod expand;

#[cfg(test)]
mod tests;

use std::{env, fs, path::Path};

use proc_macro2::TokenStream;
use quote::quote;
use syn::LitStr;

use crate::call::Runtime;

/// Expands to the constants and the table, or to one `compile_error!` for each problem.
pub fn expand(path: &LitStr, runtime: &Runtime) -> TokenStream {
    let name = path.value();
    let checked = read(&name).and_then(|text| Ok((alt_cpucaps::check(&name, &text)?, text)));
    match checked {
        Ok((table, text)) => {
            let tracked = track(path);
            let embedded = embed::embed(&table, &text);
            let table = expand::expand(&table, runtime);
            quote! { #tracked #table #embedded }
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

/// Makes rustc see the file, so that a change in it causes a rebuild.
fn track(path: &LitStr) -> TokenStream {
    quote! {
        const _: &[u8] = ::core::include_bytes!(
            ::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/", #path)
        );
    }
}
