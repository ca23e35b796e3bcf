//! Proc macros of `alt-runtime`. Use them through `alt-runtime`, which documents
//! them: what they expand to is private to the two crates.

mod alternative;
mod condition;
mod cpucaps;
mod has_cap;
mod operand;
mod reach;

use proc_macro::TokenStream;
use syn::parse_macro_input;

/* # Sites */

/// See `alt_runtime::alternative!`.
#[proc_macro]
pub fn alternative(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as alternative::Alternative);
    alternative::expand(input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// See `alt_runtime::alternative_cb!`.
#[proc_macro]
pub fn alternative_cb(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as alternative::AlternativeCb);
    alternative::expand(input.0)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// See `alt_runtime::cpu_has_cap!`.
#[proc_macro]
pub fn cpu_has_cap(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as has_cap::HasCap);
    has_cap::expand(input).into()
}

/* # Cpucaps */

/// See `alt_runtime::cpucaps!`.
#[proc_macro]
pub fn cpucaps(input: TokenStream) -> TokenStream {
    let path = parse_macro_input!(input as syn::LitStr);
    cpucaps::expand(&path).into()
}
