//! The condition of an arm: cpucaps with `!`, `&` and `|`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Path, Token, token};

/// One cpucap, wanted present or absent.
pub struct Term {
    pub negated: bool,
    pub cap: Path,
}

/// Alternatives of conjunctions: `A & !B | C` holds if one of them does.
pub struct Condition {
    pub any: Vec<Vec<Term>>,
}

impl Parse for Term {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let negated = input.parse::<Option<Token![!]>>()?.is_some();
        if input.peek(token::Paren) {
            return Err(input.error(
                "parentheses are not supported in a condition: write it as alternatives of conjunctions, `A & !B | C`",
            ));
        }
        let cap = input
            .parse()
            .map_err(|e| syn::Error::new(e.span(), "expected the name of a cpucap"))?;
        Ok(Self { negated, cap })
    }
}

impl Parse for Condition {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let mut any = vec![vec![input.parse()?]];
        loop {
            if input.peek(Token![&&]) || input.peek(Token![||]) {
                return Err(input.error("write a single `&` or `|` between cpucaps"));
            } else if input.parse::<Option<Token![&]>>()?.is_some() {
                any.last_mut().expect("never empty").push(input.parse()?);
            } else if input.parse::<Option<Token![|]>>()?.is_some() {
                any.push(vec![input.parse()?]);
            } else {
                return Ok(Self { any });
            }
        }
    }
}

impl Condition {
    /// A `const` expression, 1 if the kernel's configuration leaves some way for
    /// the condition to hold and 0 otherwise.
    pub fn possible(&self) -> TokenStream {
        let any = self.any.iter().map(|all| possible(all));
        quote!((false #(|| #any)*) as u8)
    }
}

/// A `const` bool: no term of `all` is ruled out by configuration.
///
/// A negated term never is: an impossible cpucap is absent.
pub fn possible(all: &[Term]) -> TokenStream {
    let terms = all.iter().filter(|term| !term.negated).map(|term| {
        let cap = &term.cap;
        quote!(::alt_runtime::cap::Cap::is_possible(#cap))
    });
    quote!((true #(&& #terms)*))
}

/// The record's condition words for `all`, in order, as `const` expressions.
pub fn words(all: &[Term], likely: bool) -> impl Iterator<Item = TokenStream> {
    all.iter().enumerate().map(move |(i, term)| {
        let cap = term.cap.to_token_stream();
        let negated = term.negated;
        let and_next = i + 1 < all.len();
        quote!(::alt_runtime::record::Condition::bits(#cap, #negated, #and_next, #likely))
    })
}
