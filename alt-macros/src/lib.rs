//! Proc macros of `alt-runtime`. Use them through `alt-runtime`, which documents them: their
//! expansion uses private items of `alt-runtime`.
//!
//! Each macro is parsed, validated and expanded: [`alternative!`] and [`alternative_cb!`] in
//! `alternative`, [`cpu_has_cap!`] in `has_cap`, [`cpucaps!`] in `cpucaps`.
//!
//! The macros that a kernel calls are `macro_rules!` of alt-runtime, which pass their `$crate` before
//! the user's tokens. So the expansion finds alt-runtime even if it is renamed, or if another crate
//! re-exports the macros.

mod alternative;
mod condition;
mod cpucaps;
mod has_cap;

use proc_macro::TokenStream;
use proc_macro2::TokenTree;
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::{Token, parse_macro_input};

use alternative::{Alternative, AlternativeCb};

/* # Sites */

/// See `alt_runtime::alternative!`.
#[proc_macro]
pub fn alternative(input: TokenStream) -> TokenStream {
    let Call { runtime, input } = parse_macro_input!(input as Call<Alternative>);
    alternative::expand(input, &runtime)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// See `alt_runtime::alternative_cb!`.
#[proc_macro]
pub fn alternative_cb(input: TokenStream) -> TokenStream {
    let Call { runtime, input } = parse_macro_input!(input as Call<AlternativeCb>);
    alternative::expand(input.0, &runtime)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// See `alt_runtime::cpu_has_cap!`.
#[proc_macro]
pub fn cpu_has_cap(input: TokenStream) -> TokenStream {
    let Call { runtime, input } = parse_macro_input!(input as Call<has_cap::HasCap>);
    has_cap::expand(input, &runtime).into()
}

/// The assembler macros `__alt_default_check` and `__alt_arm_check`, as a string literal for
/// `alt_runtime::asm_macros!`.
#[proc_macro]
pub fn length_checks(_: TokenStream) -> TokenStream {
    proc_macro2::Literal::string(&alternative::length_checks())
        .into_token_stream()
        .into()
}

/* # Cpucaps */

/// See `alt_runtime::cpucaps!`.
#[proc_macro]
pub fn cpucaps(input: TokenStream) -> TokenStream {
    let Call { runtime, input } = parse_macro_input!(input as Call<syn::LitStr>);
    cpucaps::expand(&input, &runtime).into()
}

/* # Input */

/// The path of alt-runtime.
#[derive(Clone)]
struct Runtime(TokenTree);

impl ToTokens for Runtime {
    fn to_tokens(&self, tokens: &mut proc_macro2::TokenStream) {
        self.0.to_tokens(tokens);
    }
}

/// `$crate; INPUT`
struct Call<T> {
    runtime: Runtime,
    input: T,
}

impl<T: Parse> Parse for Call<T> {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        // `$crate` is not an identifier to syn.
        let runtime = Runtime(input.parse()?);
        input.parse::<Token![;]>()?;
        Ok(Self {
            runtime,
            input: input.parse()?,
        })
    }
}
