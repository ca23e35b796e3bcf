//! What stands before the user's tokens: the path of alt-runtime.
//!
//! The macros that a kernel uses are `macro_rules!` of alt-runtime, which hand on their
//! `$crate`. So the expansion finds alt-runtime under another name too, and through a crate that
//! re-exports the macros.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::Token;
use syn::parse::{Parse, ParseStream};

/// The path of alt-runtime.
#[derive(Clone)]
pub struct Runtime(TokenTree);

impl ToTokens for Runtime {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.0.to_tokens(tokens);
    }
}

/// `$crate; INPUT`
pub struct Call<T> {
    pub runtime: Runtime,
    pub input: T,
}

impl<T: Parse> Parse for Call<T> {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        // Not an identifier to syn, which knows no `$crate`.
        let runtime = Runtime(input.parse()?);
        input.parse::<Token![;]>()?;
        Ok(Self {
            runtime,
            input: input.parse()?,
        })
    }
}
