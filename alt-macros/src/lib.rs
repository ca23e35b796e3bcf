//! Proc macros of `alt-runtime`. Use them through `alt-runtime`, which documents
//! them: what they expand to is private to the two crates.

mod alternative;
mod arm_text;
mod call;
mod condition;
mod cpucaps;
mod has_cap;
mod operand;
mod reach;
mod site;
mod statement;

use proc_macro::TokenStream;
use syn::parse_macro_input;

use alternative::{Alternative, AlternativeCb};
use call::Call;

/* # Sites */

/// See `alt_runtime::alternative!`.
#[proc_macro]
pub fn alternative(input: TokenStream) -> TokenStream {
    let Call { runtime, input } = parse_macro_input!(input as Call<Alternative>);
    site::expand(input, &runtime)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// See `alt_runtime::alternative_cb!`.
#[proc_macro]
pub fn alternative_cb(input: TokenStream) -> TokenStream {
    let Call { runtime, input } = parse_macro_input!(input as Call<AlternativeCb>);
    site::expand(input.0, &runtime)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// See `alt_runtime::cpu_has_cap!`.
#[proc_macro]
pub fn cpu_has_cap(input: TokenStream) -> TokenStream {
    let Call { runtime, input } = parse_macro_input!(input as Call<has_cap::HasCap>);
    has_cap::expand(input, &runtime).into()
}

/* # Cpucaps */

/// See `alt_runtime::cpucaps!`.
#[proc_macro]
pub fn cpucaps(input: TokenStream) -> TokenStream {
    let Call { runtime, input } = parse_macro_input!(input as Call<syn::LitStr>);
    cpucaps::expand(&input, &runtime).into()
}
