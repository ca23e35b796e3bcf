//! `cpucaps!("cpucaps.toml")`: the table of cpucaps, from a TOML file.
//!
//! [`parse`] reads the text, [`validate`] turns it into a [`Table`](model::Table) or a list of
//! [`Problem`](problem::Problem)s, [`expand`] writes the constants.

mod entry;
mod expand;
mod links;
mod model;
mod parse;
mod problem;
mod rules;
mod validate;

#[cfg(test)]
mod tests;

use std::{env, fs, path::Path};

use proc_macro2::TokenStream;
use quote::quote;
use syn::LitStr;

use problem::Source;

/// Expands to the constants and the table, or to one `compile_error!` for each problem.
pub fn expand(path: &LitStr) -> TokenStream {
    match read(&path.value()).and_then(|text| {
        let source = Source::new(path.value(), text);
        check(&source)
    }) {
        Ok(table) => {
            let tracked = track(path);
            let table = expand::expand(&table);
            quote! { #tracked #table }
        }
        Err(messages) => messages
            .into_iter()
            .map(|message| syn::Error::new(path.span(), message).into_compile_error())
            .collect(),
    }
}

/// The whole way from text to table; an error is one text for each problem.
fn check(source: &Source) -> Result<model::Table, Vec<String>> {
    parse::parse(source.text())
        .and_then(|document| validate::validate(&document))
        .map_err(|mut problems| {
            problems.sort_by_key(|problem| problem.span.start);
            problems
                .iter()
                .map(|problem| source.render(problem))
                .collect()
        })
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
